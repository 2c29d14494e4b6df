"""Contacts that other systems tell of: once, whole, and never changed."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from crm.platform.events.models import Event
from customers.models import Interaction
from customers.services import InteractionRefused, Record, record_interaction
from tests.factories import make_customer, make_staff, make_subscriber

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 2, 4, tzinfo=UTC)
CALL = Record("IVR-7", NOON, "IVR", "ENQUIRY", topic="balance", duration_seconds=40)


def tell(customer, record=CALL, at=NOON + timedelta(minutes=1)):
    system = make_staff(is_system=True)
    return record_interaction(customer_id=customer.pk, record=record, actor=system, at=at)


def codes(call):
    with pytest.raises(InteractionRefused) as refused:
        call()
    return [refusal.code for refusal in refused.value.refusals]


def test_it_is_written_once_however_often_it_is_told():
    wang = make_customer()

    first, is_new = tell(wang)
    again, is_new_again = tell(wang)

    assert (is_new, is_new_again) == (True, False)
    assert first.id == again.id
    assert Interaction.objects.get().state == "CLOSED"
    assert Event.objects.filter(name="customers.interaction.recorded").count() == 1


def test_one_number_is_one_contact_in_whatever_month():
    wang = make_customer()
    tell(wang)

    earlier = replace(CALL, started_at=NOON - timedelta(days=60))
    assert codes(lambda: tell(wang, earlier)) == ["number_says_otherwise"]
    assert codes(lambda: tell(make_customer())) == ["number_says_otherwise"]
    assert codes(lambda: tell(wang, replace(CALL, topic="else"))) == ["number_says_otherwise"]
    assert Interaction.objects.count() == 1


def test_what_cannot_be_is_refused_all_at_once():
    line = make_subscriber()
    record = replace(CALL, started_at=NOON + timedelta(hours=1), subscriber_id=line.pk)

    assert codes(lambda: tell(make_customer(), record)) == [
        "starts_in_the_future",
        "line_of_another",
    ]


@pytest.mark.django_db(transaction=True)
def test_told_by_many_at_once_it_is_written_once():
    wang, system = make_customer(), make_staff(is_system=True)

    def once(n):
        try:
            return record_interaction(
                customer_id=wang.pk, record=CALL, actor=system, at=NOON + timedelta(minutes=1)
            )[1]
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(once, range(6))) == 1
    assert Interaction.objects.count() == 1
