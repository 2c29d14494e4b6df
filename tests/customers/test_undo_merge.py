"""A merge is taken back: exactly, if nobody edited; by stated rules, if somebody did."""

from datetime import timedelta

import pytest

from customers.merging.merge import merge_customers
from customers.merging.undo import UndoRefused, undo_merge
from customers.models import (
    BillingAccount,
    Customer,
    CustomerStatus,
    DuplicateCandidate,
    Interaction,
    Party,
    Subscriber,
)
from tests.customers.merging import (
    LATER,
    NOON,
    add_bill,
    add_contact,
    add_document,
    add_medium,
    make_full,
    make_months,
    snapshot,
)
from tests.factories import make_customer, make_province, make_staff, make_subscriber

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def months(db):
    make_months()


@pytest.fixture
def hall(db):
    return make_province()["a_hall"]


def merge(survivor, absorbed, **given):
    fields = {"actor": None, "at": NOON} | given
    return merge_customers(survivor_id=survivor.pk, absorbed_id=absorbed.pk, **fields)


def undo(made, **given):
    return undo_merge(merge_id=made.pk, **{"actor": None, "at": LATER} | given)


def owner_of(row):
    return type(row).objects.get(pk=row.pk).customer_id


def test_an_unedited_merge_is_undone_exactly(hall):
    survivor = make_full(home_org=hall)
    absorbed = make_full(home_org=hall, name="王晓明", number="320102199001011235", star=3)
    add_medium(survivor, "13800000001")
    add_medium(absorbed, "13800000001")
    add_document(survivor, "320102199001011299")
    add_document(absorbed, "320102199001011299", verified_at=NOON)
    add_contact(survivor, absorbed.subscribers.get())  # about a line they do not own: stays
    add_contact(absorbed, survivor.subscribers.get())
    index_all(survivor, absorbed)
    before = snapshot()

    made = merge(survivor, absorbed, take=["name", "star", "opened_on", "characteristics"])
    assert snapshot() != before
    undo(made)

    after = snapshot()
    for table, rows in before.items():
        assert after[table] == rows, table


def index_all(*customers):
    from customers.feeds.search_keys import remake_keys

    remake_keys([customer.pk for customer in customers])


def test_what_was_written_since_stays_unless_it_is_about_what_goes_back(hall):
    survivor, absorbed = make_full(home_org=hall), make_full(home_org=hall, number="AB123456")
    made = merge(survivor, absorbed)
    line = Subscriber.objects.get(number=made_line(absorbed, made))
    account = BillingAccount.objects.filter(customer=survivor).latest("pk")
    new_line = make_subscriber(customer=survivor)
    plain, about = add_contact(survivor), add_contact(survivor, line)
    bill = add_bill(account, "2")
    medium = add_medium(survivor, "13900000000")

    undo(made)

    assert owner_of(new_line) == owner_of(plain) == survivor.pk
    assert owner_of(line) == owner_of(about) == owner_of(account) == absorbed.pk
    assert owner_of(bill) == absorbed.pk
    medium.refresh_from_db()
    assert medium.party_id == survivor.party_id


def made_line(absorbed, made):
    from customers.models import MergedRow

    row = MergedRow.objects.get(merge=made, model="customers.Subscriber")
    return Subscriber.objects.get(pk=int(row.key)).number


def test_a_line_that_went_to_somebody_else_stays_there(hall):
    survivor, absorbed = make_customer(home_org=hall), make_customer(home_org=hall)
    line, other = make_subscriber(customer=absorbed), make_customer(home_org=hall)
    made = merge(survivor, absorbed)
    Subscriber.objects.filter(pk=line.pk).update(customer=other)

    undo(made)

    assert owner_of(line) == other.pk


def test_a_field_that_was_edited_since_keeps_the_edit(hall):
    survivor = make_customer(home_org=hall, name="王小明", star=1)
    absorbed = make_customer(home_org=hall, name="王晓明", star=5)
    made = merge(survivor, absorbed, take=["name", "star"])
    Party.objects.filter(pk=survivor.party_id).update(name="王大明")

    undo(made)

    survivor.refresh_from_db()
    party = Party.objects.get(pk=survivor.party_id)
    assert (party.name, survivor.star) == ("王大明", 1)


def test_the_status_and_the_numbers_are_as_before(hall):
    survivor = make_customer(home_org=hall)
    absorbed = make_customer(home_org=hall, status=CustomerStatus.DORMANT)
    made = merge(survivor, absorbed)

    undo(made)

    absorbed.refresh_from_db()
    assert (absorbed.status, absorbed.merged_into_id) == (CustomerStatus.DORMANT, None)


def test_two_merges_undone_in_the_order_they_were_made_leave_what_was(hall):
    survivor = make_customer(home_org=hall, name="王小明")
    first = make_full(home_org=hall, name="王晓明", number="A123456")
    second = make_full(home_org=hall, name="王筱明", number="B123456")
    add_document(first, "C123456")
    add_document(second, "C123456")
    index_all(survivor, first, second)
    before = snapshot()
    one = merge(survivor, first, take=["name"])
    two = merge(survivor, second, take=["name"])

    undo(one)
    shared = survivor.party.identifications.filter(number_masked__endswith="3456")
    assert shared.count() == 2  # B123456, and the C123456 that the second had left behind
    undo(two)

    assert snapshot() == before


def test_who_was_absorbed_by_the_absorbed_belongs_to_them_again(hall):
    first, second, third = (make_customer(home_org=hall) for _n in range(3))
    merge(second, first)
    made = merge(third, second)

    undo(made)

    first.refresh_from_db()
    assert first.merged_into == second


def refused(made, **given):
    with pytest.raises(UndoRefused) as refusal:
        undo(made, **given)
    return [r.code for r in refusal.value.refusals] or [refusal.value.code]


def test_after_thirty_days_it_is_too_late(hall):
    made = merge(make_customer(home_org=hall), make_customer(home_org=hall))

    assert refused(made, at=NOON + timedelta(days=30)) == ["undo_too_late"]
    undo(made, at=NOON + timedelta(days=30, seconds=-1))


def test_an_undo_is_not_undone(hall):
    made = merge(make_customer(home_org=hall), make_customer(home_org=hall))
    undo(made)

    assert refused(made) == ["undo_of_the_undone"]


def test_a_later_merge_of_the_survivor_is_undone_first(hall):
    first, second, third = (make_customer(home_org=hall) for _n in range(3))
    one = merge(second, first)
    two = merge(third, second)

    assert refused(one) == ["undo_before_a_later_one"]
    undo(two)
    undo(one)


def test_a_strangers_merge_is_as_if_it_did_not_exist(hall):
    made = merge(make_customer(home_org=hall), make_customer())

    assert refused(made, actor=make_staff("hallmanager", org=hall)) == ["undo_out_of_reach"]


def test_an_undone_pair_is_not_offered_again(hall):
    survivor, absorbed = make_customer(home_org=hall), make_customer(home_org=hall)
    add_document(survivor, "320102199001011234")
    add_document(absorbed, "320102199001011234")
    index_all(survivor, absorbed)

    undo(merge(survivor, absorbed))

    assert DuplicateCandidate.objects.get().status == "REJECTED"


def test_contacts_are_counted_once(hall):
    survivor, absorbed = make_full(home_org=hall), make_full(home_org=hall, number="A123456")

    made = merge(survivor, absorbed)
    undo(made)
    merge(survivor, absorbed)

    assert Interaction.objects.filter(customer_id=survivor.pk).count() == 4
    assert Customer.objects.get(pk=absorbed.pk).merged_into == survivor
