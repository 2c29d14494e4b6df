"""Contacts at a desk: one in hand, whatever tabs are open; who it is; what came of it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from crm.platform.events.models import Event
from customers.models import AuthLevel, Channel, DeskContact, Interaction
from customers.selectors import current_interaction, desk_contacts, interactions_about, linked
from customers.services import (
    InteractionRefused,
    Meanwhile,
    authenticate,
    close_interaction,
    link_interaction,
    open_interaction,
    park_interaction,
    require_interaction,
    resume_interaction,
)
from tests.factories import make_customer, make_staff

pytestmark = pytest.mark.django_db
NOW = timezone.now() - timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def begin(staff, customer, at=NOW, **given):
    return open_interaction(
        customer_id=customer.pk, staff=staff, at=at, **{"channel": "COUNTER"} | given
    )


def events(name):
    return Event.objects.filter(name=f"customers.interaction.{name}").count()


def code_of(call):
    with pytest.raises(InteractionRefused) as refused:
        call()
    return refused.value.code


@pytest.mark.parametrize("channel", Channel.values)
def test_every_channel_can_be_opened_and_finished(channel):
    clerk, wang = make_staff("clerk"), make_customer()

    opened = begin(clerk, wang, channel=channel)
    closed = close_interaction(
        interaction_id=opened.id, staff=clerk, result="Handled", purpose="PAYMENT",
        recording="rec/17", at=NOW + 3 * MINUTE,
    )  # fmt: skip

    kept = Interaction.objects.get(id=opened.id)
    assert (kept.channel, kept.state, kept.staff_id) == (channel, "CLOSED", clerk.pk)
    assert (kept.purpose, kept.result, kept.recording) == ("PAYMENT", "Handled", "rec/17")
    assert kept.duration_seconds == 180
    assert kept.ended_at == closed.ended_at == NOW + 3 * MINUTE
    assert current_interaction(clerk) is None
    assert (events("opened"), events("closed")) == (1, 1)


def test_opening_again_is_the_same_contact():
    clerk, wang = make_staff("clerk"), make_customer()

    first, again = begin(clerk, wang), begin(clerk, wang, at=NOW + MINUTE)

    assert first.id == again.id
    assert events("opened") == 1


def test_another_customer_asks_what_becomes_of_the_one_in_hand():
    clerk, wang, li = make_staff("clerk"), make_customer(), make_customer()
    begin(clerk, wang)

    assert code_of(lambda: begin(clerk, li)) == "another_contact_open"
    assert current_interaction(clerk).customer_id == wang.pk

    begin(clerk, li, in_hand=Meanwhile.PARK, at=NOW + MINUTE)
    assert [(row.customer_id, row.parked_at) for row in desk_contacts(clerk)] == [
        (li.pk, None),
        (wang.pk, NOW + MINUTE),
    ]

    begin(clerk, wang, in_hand=Meanwhile.FINISH, at=NOW + 2 * MINUTE)
    assert [row.customer_id for row in desk_contacts(clerk)] == [wang.pk]
    assert events("resumed") == 1  # the parked contact went on; no second one began
    assert Interaction.objects.get(customer_id=li.pk).state == "CLOSED"


def test_a_parked_contact_is_taken_up_again():
    clerk, wang, li = make_staff("clerk"), make_customer(), make_customer()
    parked = begin(clerk, wang)
    park_interaction(interaction_id=parked.id, staff=clerk, at=NOW + MINUTE)
    begin(clerk, li)
    assert current_interaction(clerk).customer_id == li.pk

    refused = code_of(lambda: resume_interaction(interaction_id=parked.id, staff=clerk, at=NOW))
    assert refused == "another_contact_open"

    resume_interaction(
        interaction_id=parked.id, staff=clerk, in_hand=Meanwhile.PARK, at=NOW + 2 * MINUTE
    )
    assert current_interaction(clerk).id == parked.id


def test_how_they_were_identified_is_kept_and_a_slip_can_be_put_right():
    clerk, wang = make_staff("clerk"), make_customer()
    contact = begin(clerk, wang)

    authenticate(interaction_id=contact.id, staff=clerk, method="CARD_READER", at=NOW + MINUTE)
    assert current_interaction(clerk).auth_level == AuthLevel.READER

    authenticate(interaction_id=contact.id, staff=clerk, method="ASKED", at=NOW + MINUTE)
    kept = current_interaction(clerk)
    assert (kept.auth_method, kept.authenticated_at) == ("ASKED", NOW + MINUTE)
    assert desk_contacts(clerk)[0].auth_method == "ASKED"
    assert events("authenticated") == 2


def test_nobody_touches_the_contact_of_another_or_one_that_is_over():
    clerk, colleague, wang = make_staff("clerk"), make_staff("clerk"), make_customer()
    contact = begin(clerk, wang)
    calls = [
        lambda staff: authenticate(interaction_id=contact.id, staff=staff, method="FACE", at=NOW),
        lambda staff: park_interaction(interaction_id=contact.id, staff=staff, at=NOW),
        lambda staff: resume_interaction(interaction_id=contact.id, staff=staff, at=NOW),
        lambda staff: close_interaction(interaction_id=contact.id, staff=staff, at=NOW),
    ]

    for call in calls:
        assert code_of(lambda call=call: call(colleague)) == "interaction_not_open"
    calls[-1](clerk)
    for call in calls:
        assert code_of(lambda call=call: call(clerk)) == "interaction_not_open"
    assert events("closed") == 1


def test_an_act_of_business_belongs_to_a_contact_with_that_customer():
    clerk, wang, li = make_staff("clerk"), make_customer(), make_customer()

    def asked(customer=wang, **given):
        return require_interaction(staff=clerk, customer_id=customer.pk, **given)

    assert code_of(asked) == "no_contact_open"
    assert code_of(lambda: asked(system_origin=True)) == "no_contact_open"  # a person is no system

    contact = begin(clerk, wang)
    assert asked().id == contact.id
    assert code_of(lambda: asked(li)) == "contact_with_another"
    assert code_of(lambda: asked(least=AuthLevel.SECRET)) == "identify_first"

    authenticate(interaction_id=contact.id, staff=clerk, method="FACE", at=NOW)
    assert asked(least=AuthLevel.SECRET).id == contact.id
    assert code_of(lambda: asked(least=AuthLevel.READER)) == "identify_first"

    park_interaction(interaction_id=contact.id, staff=clerk, at=NOW + MINUTE)
    assert code_of(asked) == "no_contact_open"


def test_systems_may_act_without_a_contact_where_the_act_allows_it():
    billing, wang = make_staff(is_system=True), make_customer()

    for staff in (billing, None):
        origin = require_interaction(staff=staff, customer_id=wang.pk, system_origin=True)
        assert origin is None
        with pytest.raises(InteractionRefused):
            require_interaction(staff=staff, customer_id=wang.pk)


def test_what_came_of_a_contact_is_linked_once():
    clerk, wang = make_staff("clerk"), make_customer()
    contact = begin(clerk, wang)

    for number in ("O-1", "O-2", "O-1"):
        link_interaction(
            interaction_id=contact.id, object_type="orders.customerorder", object_id=number,
            actor=clerk, at=NOW,
        )  # fmt: skip

    assert [link.object_id for link in linked(contact.id)] == ["O-1", "O-2"]
    about = interactions_about(object_type="orders.customerorder", object_id="O-1")
    assert about == [contact.id]
    assert events("linked") == 2


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"state": "OPEN", "ended_at": NOW + MINUTE}, "has_no_end"),
        ({"state": "OPEN", "staff_id": None}, "has_no_end"),
        ({"ended_at": NOW - MINUTE}, "ends_after_it_started"),
        ({"auth_method": "FACE"}, "authenticated_iff_method"),
        ({"auth_method": "MAGIC", "authenticated_at": NOW}, "auth_method_known"),
        ({"channel": "PIGEON"}, "channel_known"),
    ],
)
def test_the_database_refuses(wrong, named):
    fields = {
        "started_at": NOW, "customer_id": 1, "channel": "FAX", "purpose": "CARE", "staff_id": 1,
    }  # fmt: skip
    Interaction.objects.create(**fields)

    with pytest.raises(IntegrityError, match=named), transaction.atomic():
        Interaction.objects.create(**fields | wrong)


@pytest.mark.django_db(transaction=True)
class TestTwoTabs:
    def press(self, staff, *customers):
        """Open contacts at the same moment; return what became of each."""
        together = Barrier(len(customers))

        def tab(customer):
            try:
                together.wait(timeout=10)
                return begin(staff, customer).id
            except InteractionRefused as refusal:
                return refusal.code
            finally:
                connection.close()

        with ThreadPoolExecutor(len(customers)) as pool:
            return list(pool.map(tab, customers))

    def test_of_one_customer_open_one_contact(self):
        clerk, wang = make_staff("clerk"), make_customer()

        ids = self.press(clerk, *[wang] * 4)

        assert len(set(ids)) == 1
        assert Interaction.objects.filter(state="OPEN").count() == 1
        assert events("opened") == 1

    def test_of_two_customers_open_one_contact(self):
        clerk, wang, li = make_staff("clerk"), make_customer(), make_customer()

        answers = self.press(clerk, wang, li)

        assert answers.count("another_contact_open") == 1
        assert Interaction.objects.filter(state="OPEN").count() == 1

    def test_without_the_constraint_there_would_be_two(self):
        clerk, wang, li = make_staff("clerk"), make_customer(), make_customer()
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX deskcontact_one_in_hand")
        try:
            twice = any(len(self.opened(clerk, wang, li)) == 2 for _try in range(20))
        finally:
            DeskContact.objects.all().delete()
            with connection.cursor() as cursor:
                cursor.execute(
                    "CREATE UNIQUE INDEX deskcontact_one_in_hand ON customers_deskcontact"
                    " (staff_id) WHERE parked_at IS NULL"
                )

        assert twice

    def opened(self, staff, *customers):
        DeskContact.objects.all().delete()
        return [answer for answer in self.press(staff, *customers) if not isinstance(answer, str)]


def test_an_unknown_contact_is_refused():
    clerk = make_staff("clerk")

    refused = code_of(lambda: close_interaction(interaction_id=uuid4(), staff=clerk, at=NOW))
    assert refused == "interaction_not_open"
