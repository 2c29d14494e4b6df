"""The smallest valid thing of each kind. Say in the test only what the test is about."""

from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from django.contrib.auth.models import Group

from crm.platform.access.models import OrgLevel, OrgUnit, Staff
from customers.models import (
    BillingAccount,
    Customer,
    Party,
    PayRelation,
    SearchKey,
    Subscriber,
    SubscriberStatusPeriod,
)
from customers.search import keys_for, sort_key

_serial = count(1)
OPENED = date(2024, 1, 1)


def make_org(level: str = OrgLevel.PROVINCE, *, parent: OrgUnit | None = None) -> OrgUnit:
    n = next(_serial)
    return OrgUnit.objects.create(code=f"U{n}", name=f"Unit {n}", level=level, parent=parent)


def make_province() -> dict[str, OrgUnit]:
    """A province of two cities, each with a district and a hall: p, a, a_district, a_hall, b, …"""
    units = {"p": make_org()}
    for city in "ab":
        units[city] = make_org(OrgLevel.CITY, parent=units["p"])
        units[f"{city}_district"] = make_org(OrgLevel.DISTRICT, parent=units[city])
        units[f"{city}_hall"] = make_org(OrgLevel.HALL, parent=units[f"{city}_district"])
    return units


def make_staff(*roles: str, org: OrgUnit | None = None, **given: Any) -> Staff:
    n = next(_serial)
    staff = Staff.objects.create_user(
        staff_code=given.pop("staff_code", f"staff{n}"),
        password=given.pop("password", None),
        name=given.pop("name", f"Staff {n}"),
        org=org or make_org(),
        **given,
    )
    staff.groups.set(Group.objects.filter(name__in=roles))
    return staff


def make_customer(
    *, home_org: OrgUnit | None = None, name: str = "王小明", **given: Any
) -> Customer:
    n = next(_serial)
    party = given.pop("party", None) or Party.objects.create(
        kind=given.pop("kind", "INDIVIDUAL"), name=name, sort_key=sort_key(name)
    )
    fields = {"number": f"1000{n:08}", "opened_on": OPENED, "home_org": home_org or make_org()}
    customer = Customer.objects.create(party=party, **fields | given)
    index(customer)
    return customer


def make_account(*, customer: Customer | None = None, **given: Any) -> BillingAccount:
    fields = {"number": f"A{next(_serial):08}", "opened_on": OPENED}
    return BillingAccount.objects.create(customer=customer or make_customer(), **fields | given)


def make_subscriber(
    *, customer: Customer | None = None, account: BillingAccount | None = None, **given: Any
) -> Subscriber:
    n = next(_serial)
    fields = {"number": f"S{n:08}", "service_number": f"199{n:08}", "opened_on": OPENED}
    subscriber = Subscriber.objects.create(customer=customer or make_customer(), **fields | given)
    start = datetime.combine(subscriber.opened_on, datetime.min.time(), UTC)
    SubscriberStatusPeriod.objects.create(
        subscriber=subscriber, status=subscriber.status, starts_at=start
    )
    if account:
        PayRelation.objects.create(subscriber=subscriber, account=account, starts_at=start)
    index(subscriber.customer)
    return subscriber


def index(customer: Customer) -> None:
    """Rebuild the customer's search keys from what they have now."""
    keys = keys_for(
        number=customer.number,
        name=customer.party.name,
        phones=customer.subscribers.values_list("service_number", flat=True),
        accounts=customer.accounts.values_list("number", flat=True),
        subscribers=customer.subscribers.values_list("number", flat=True),
        id_hashes=[bytes(i.number_hash) for i in customer.party.identifications.all()],
    )
    SearchKey.objects.filter(customer_id=customer.pk).delete()
    SearchKey.objects.bulk_create(SearchKey(key=k, customer_id=customer.pk) for k in keys)
