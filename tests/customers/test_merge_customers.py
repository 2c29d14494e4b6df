"""Two records become one customer; nothing is lost, and nothing is deleted."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.apps import apps
from django.db import connection, transaction

from crm.platform.errors import DomainError
from crm.platform.events.models import Event
from customers.merging import merge as merging
from customers.merging.merge import MergeRefused, merge_customers
from customers.merging.moves import all_moves, all_stays
from customers.models import (
    CHANNELLED,
    Bill,
    Consent,
    ConsentPurpose,
    ConsentSource,
    ContactPreference,
    Customer,
    CustomerMerge,
    CustomerStatus,
    DoNotContact,
    Interaction,
    Party,
    PartyIdentification,
    SearchKey,
)
from customers.selectors import find_customers
from tests.customers.merging import (
    NOON,
    add_contact,
    add_document,
    add_medium,
    make_full,
    make_months,
)
from tests.factories import make_customer, make_province, make_staff, make_subscriber

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def months(db):
    make_months()


@pytest.fixture
def hall(db):
    return make_province()["a_hall"]


@pytest.fixture
def manager(hall):
    return make_staff("hallmanager", org=hall)


def merge(survivor, absorbed, **given):
    fields = {"actor": None, "at": NOON} | given
    return merge_customers(survivor_id=survivor.pk, absorbed_id=absorbed.pk, **fields)


def test_everything_of_the_absorbed_becomes_the_survivors(hall, manager):
    survivor = make_full(home_org=hall)
    absorbed = make_full(home_org=hall, name="王晓明", number="320102199001011235")

    made = merge(survivor, absorbed, actor=manager)

    absorbed.refresh_from_db()
    assert (absorbed.status, absorbed.merged_into) == (CustomerStatus.MERGED, survivor)
    assert survivor.accounts.count() == survivor.subscribers.count() == 2
    assert survivor.party.media.count() == survivor.party.identifications.count() == 2
    assert Interaction.objects.filter(customer_id=survivor.pk).count() == 4
    assert Bill.objects.filter(customer_id=survivor.pk).count() == 2
    assert made.moved == {
        "customers.BillingAccount": 1, "customers.Subscriber": 1, "customers.Bill": 1,
        "customers.PartyIdentification": 1, "customers.ContactMedium": 1,
        "customers.Payment": 1, "customers.MonthlyUsage": 1, "customers.Interaction": 2,
    }  # fmt: skip
    with connection.cursor() as cursor:
        for moves in all_moves():
            owner = absorbed.party_id if moves.owner == "party_id" else absorbed.pk
            cursor.execute(f"SELECT 1 FROM {moves.table} WHERE {moves.owner} = %s", [owner])
            assert cursor.fetchone() is None, moves.model


def test_every_number_of_the_absorbed_finds_the_survivor(hall, manager):
    survivor, absorbed = make_customer(home_org=hall), make_full(home_org=hall, name="张三")
    line, account = absorbed.subscribers.get(), absorbed.accounts.get()

    merge(survivor, absorbed)

    for text in (absorbed.number, line.number, line.service_number, account.number):
        found = find_customers(staff=manager, text=text, by_name=True)
        assert [match.customer_id for match in found.matches] == [survivor.pk], text
    assert not SearchKey.objects.filter(customer_id=absorbed.pk).exists()
    assert not find_customers(staff=manager, text="张三", by_name=True).matches
    assert not Customer.objects.visible_to(manager).filter(pk=absorbed.pk).exists()


def test_the_chosen_fields_are_taken_and_no_others(hall):
    survivor = make_customer(home_org=hall, name="王小明", star=1)
    absorbed = make_customer(home_org=hall, name="王晓明", star=5)

    merge(survivor, absorbed, take=["name"])

    survivor.refresh_from_db()
    party = Party.objects.get(pk=survivor.party_id)
    assert (party.name, party.sort_key, survivor.star) == ("王晓明", "wang xiao ming", 1)


def test_what_both_have_is_not_doubled(hall):
    survivor, absorbed = make_customer(home_org=hall), make_customer(home_org=hall)
    for one in (survivor, absorbed):
        add_medium(one, "13800000001")
        add_document(one, "320102199001011234")
    ours = survivor.party.identifications.get()
    theirs = absorbed.party.identifications.get()
    PartyIdentification.objects.filter(pk=theirs.pk).update(verified_at=NOON, verified_by="reader")

    merge(survivor, absorbed)

    assert survivor.party.media.count() == absorbed.party.media.count() == 1
    ours.refresh_from_db()
    theirs.refresh_from_db()
    assert (ours.verified_at, ours.verified_by) == (NOON, "reader")
    assert (ours.party_id, theirs.verified_at) == (survivor.party_id, None)


def test_it_is_written_down(hall, manager):
    survivor, absorbed = make_customer(home_org=hall), make_customer(home_org=hall)

    made = merge(survivor, absorbed, actor=manager, reason="same card")

    event = Event.objects.get(name="customers.customer.merged")
    assert event.data == {
        "merge_id": made.pk, "customer_id": survivor.pk, "absorbed_id": absorbed.pk,
    }  # fmt: skip
    assert (made.merged_by, made.reason, made.absorbed_status) == (manager, "same card", "ACTIVE")


def test_who_was_merged_before_goes_along(hall):
    first, second, third = (make_customer(home_org=hall) for _n in range(3))
    merge(second, first)

    merge(third, second)

    first.refresh_from_db()
    assert first.merged_into == third


def refused(*both, **given):
    with pytest.raises(MergeRefused) as refusal:
        merge(*both, **given)
    assert CustomerMerge.objects.filter(undone_at=None).count() <= 1
    return [r.code for r in refusal.value.refusals] or [refusal.value.code]


def test_nobody_is_merged_with_themselves(hall):
    customer = make_customer(home_org=hall)

    assert refused(customer, customer) == ["merge_with_itself"]


def test_the_merged_is_not_merged_again_and_every_rule_is_said_at_once(hall):
    one, other = make_customer(home_org=hall), make_customer(home_org=hall)
    firm = make_customer(home_org=hall, kind="ORGANISATION")
    merge(one, other)

    assert refused(firm, other) == ["merge_of_the_merged", "merge_of_different_kinds"]
    assert refused(other, firm) == ["merge_of_the_merged", "merge_of_different_kinds"]


def test_two_verified_identities_are_two_people(hall):
    one, other = make_customer(home_org=hall), make_customer(home_org=hall)
    add_document(one, "320102199001011234", verified_at=NOON)
    add_document(other, "320102199001011242", verified_at=NOON)

    assert refused(one, other) == ["merge_of_two_identities"]


def test_two_unverified_numbers_do_not_forbid_it(hall):
    one, other = make_customer(home_org=hall), make_customer(home_org=hall)
    add_document(one, "320102199001011234", verified_at=NOON)
    add_document(other, "320102199001011242")

    merge(one, other)

    assert one.party.identifications.count() == 2


def test_out_of_reach_is_as_if_it_did_not_exist(hall, manager):
    ours, theirs = make_customer(home_org=hall), make_customer()

    assert refused(ours, theirs, actor=manager) == ["merge_out_of_reach"]
    assert refused(theirs, ours, actor=manager) == ["merge_out_of_reach"]


def test_a_field_that_is_none_is_refused(hall):
    both = make_customer(home_org=hall), make_customer(home_org=hall)

    assert refused(*both, take=["balance"]) == ["merge_field_unknown"]


def test_every_table_of_a_customer_is_declared():
    declared = {moves.model for moves in all_moves()} | all_stays()
    for model in apps.get_models():
        fields = {
            field.name
            for field in model._meta.concrete_fields
            if field.attname in ("customer_id", "party_id")
            or (field.is_relation and field.related_model in (Customer, Party))
        }
        if fields and not model._meta.auto_created:
            assert model._meta.label in declared, (
                f"{model._meta.label} has {fields}: say in moves_on_merge or stays_on_merge"
                " of its AppConfig whether a merge moves it (customers/merging/moves.py)"
            )


def _both_at_once(*pairs):
    def attempt(pair):
        try:
            merge(*pair)
        except DomainError:
            return "refused"
        finally:
            connection.close()
        return "merged"

    with ThreadPoolExecutor(len(pairs)) as pool:
        return sorted(pool.map(attempt, pairs))


@pytest.mark.django_db(transaction=True)
def test_of_two_overlapping_merges_at_once_one_wins():
    for _n in range(5):
        a, b = make_customer(), make_customer()

        assert _both_at_once((a, b), (b, a)) == ["merged", "refused"]


@pytest.mark.django_db(transaction=True)
def test_two_who_want_the_same_record_do_not_both_get_it():
    a, b, c = (make_customer() for _m in range(3))

    assert _both_at_once((a, b), (c, b)) == ["merged", "refused"]


@pytest.mark.django_db(transaction=True)
def test_the_same_merge_twice_at_once_is_one_merge():
    a, b = make_customer(), make_customer()
    make_subscriber(customer=b)

    assert _both_at_once((a, b), (a, b)) == ["merged", "refused"]


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_both_would_win(monkeypatch):
    """The positive control of the test above: the lock is what it tests."""
    met = Barrier(2, timeout=10)

    def unlocked(pks):
        found = Customer.objects.select_related("party").in_bulk(list(pks))
        met.wait()
        return found

    monkeypatch.setattr(merging, "lock_customers", unlocked)
    a, b = make_customer(), make_customer()

    assert _both_at_once((a, b), (b, a)) == ["merged", "merged"]


@pytest.mark.django_db(transaction=True)
def test_a_merge_waits_for_the_file_that_is_being_applied(monkeypatch):
    monkeypatch.setattr("customers.merging.locking.WAIT_SECONDS", 1)
    a, b = make_customer(), make_customer()

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, hashtext('bills'))", [0x46454543]
        )  # as a chunk of a file does

        assert _both_at_once((a, b)) == ["refused"]
    assert _both_at_once((a, b)) == ["merged"]


def test_ten_thousand_rows_move_in_one_transaction(hall):
    survivor, absorbed = make_customer(home_org=hall), make_customer(home_org=hall)
    add_contact(absorbed)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO customers_interaction (id, started_at, number, customer_id, channel,"
            " direction, purpose, topic, duration_seconds, result) SELECT gen_random_uuid(),"
            " %s::timestamptz + n * interval '1 second', n::text, %s, 'CALL', 'IN', 'ENQUIRY',"
            " '', 0, '' FROM generate_series(1, 9999) AS n",
            [NOON, absorbed.pk],
        )

    made = merge(survivor, absorbed)

    assert made.moved == {"customers.Interaction": 10_000}
    assert Interaction.objects.filter(customer_id=survivor.pk).count() == 10_000


def test_what_one_record_forbade_the_customer_forbids(hall):
    survivor, absorbed = make_customer(home_org=hall), make_customer(home_org=hall)
    for purpose, state in (("MARKETING", "WITHDRAWN"), ("RESEARCH", "GIVEN")):
        if purpose not in ConsentPurpose.values:
            purpose = next(p for p in ConsentPurpose.values if p != "MARKETING")
        Consent.objects.create(
            party=absorbed.party, purpose=purpose, channel="SMS" if purpose in CHANNELLED else "",
            state=state, text_version="1", evidence="form", decided_at=NOON, recorded_at=NOON,
            source=ConsentSource.values[0],
        )  # fmt: skip
    ContactPreference.objects.create(
        party=absorbed.party, do_not_contact=DoNotContact.values[0], set_at=NOON
    )

    merge(survivor, absorbed)

    assert [c.state for c in survivor.party.consents.all()] == ["WITHDRAWN"]
    assert survivor.party.preferences.get().do_not_contact == DoNotContact.values[0]
