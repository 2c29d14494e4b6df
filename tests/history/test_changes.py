"""What changed between two moments."""

from datetime import datetime

import pytest
from django.db import connection

from crm.platform.history.attribution import attributed
from crm.platform.history.changes import Change, ChangeKind, changes_between
from crm.platform.history.kept import all_kept
from customers.models import ContactMedium, Customer
from tests.factories import make_customer, make_staff

pytestmark = pytest.mark.django_db


def clock() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    return now


def changes(model: str, column: str, number: int, after: datetime, **more) -> list[Change]:
    kept = next(one for one in all_kept() if one.model == model)
    asked = {"until": clock(), "most": 100} | more
    return changes_between(kept, column=column, ids=[number], after=after, **asked)


def test_a_change_tells_what_it_was_what_it_became_who_and_through_what():
    clerk = make_staff("clerk")
    customer = make_customer()
    before = clock()
    with attributed(actor_id=clerk.pk, via="request 7"):
        Customer.objects.filter(pk=customer.pk).update(status="DORMANT")

    (change,) = changes("customers.Customer", "id", customer.pk, before)

    assert (change.kind, change.by, change.via) == (ChangeKind.CHANGED, clerk.pk, "request 7")
    assert change.fields == {"status": ("ACTIVE", "DORMANT")}
    assert before < change.at < clock()


def test_a_row_that_came_and_went_is_told_as_both():
    customer = make_customer()
    before = clock()
    mail = ContactMedium.objects.create(
        party=customer.party, kind="EMAIL", value="a@example.com", starts_at=before
    )
    mail.delete()

    removed, added = changes("customers.ContactMedium", "party_id", customer.party_id, before)

    assert (added.kind, removed.kind) == (ChangeKind.ADDED, ChangeKind.REMOVED)
    assert added.fields["value"] == (None, "a@example.com")
    assert removed.fields["value"] == ("a@example.com", None)


def test_what_happened_outside_the_period_is_not_told():
    customer = make_customer()
    first = clock()
    Customer.objects.filter(pk=customer.pk).update(status="DORMANT")
    second = clock()
    Customer.objects.filter(pk=customer.pk).update(status="LOST")
    third = clock()

    (told,) = changes("customers.Customer", "id", customer.pk, first, until=second)
    assert told.fields == {"status": ("ACTIVE", "DORMANT")}
    (told,) = changes("customers.Customer", "id", customer.pk, second, until=third)
    assert told.fields == {"status": ("DORMANT", "LOST")}
    assert changes("customers.Customer", "id", customer.pk, third) == []


def test_of_very_many_versions_the_latest_are_told():
    customer = make_customer()
    before = clock()
    for number in range(6):
        Customer.objects.filter(pk=customer.pk).update(characteristics={"n": number})

    told = changes("customers.Customer", "id", customer.pk, before, most=3)

    assert [change.fields["characteristics"][1]["n"] for change in told] == [5, 4, 3]
    assert {change.kind for change in told} == {ChangeKind.CHANGED}
