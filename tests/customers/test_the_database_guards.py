"""Each rule that must hold whoever writes: the database itself refuses."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from crm.platform.records import ensure_months
from customers.identity import encrypt_number, hash_number
from customers.models import (
    ContactMedium,
    Party,
    PartyIdentification,
    Payment,
    PayRelation,
    ServiceStop,
    StopReason,
    Subscriber,
    SubscriberStatus,
    SubscriberStatusPeriod,
)
from tests.factories import make_account, make_customer, make_subscriber

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def refuses(constraint: str):
    return pytest.raises(IntegrityError, match=constraint)


def test_two_status_periods_of_a_subscriber_never_overlap():
    line = make_subscriber()
    SubscriberStatusPeriod.objects.filter(subscriber=line).update(ends_at=NOON)
    SubscriberStatusPeriod.objects.create(
        subscriber=line, status=SubscriberStatus.SUSPENDED, starts_at=NOON, ends_at=NOON + DAY
    )

    with refuses("statusperiod_do_not_overlap"), transaction.atomic():
        SubscriberStatusPeriod.objects.create(
            subscriber=line, status=SubscriberStatus.ACTIVE, starts_at=NOON + DAY / 2
        )
    SubscriberStatusPeriod.objects.create(
        subscriber=line, status=SubscriberStatus.ACTIVE, starts_at=NOON + DAY
    )


def test_a_number_has_one_live_holder_and_may_be_used_again_afterwards():
    first = make_subscriber(service_number="19900000001")
    with refuses("subscriber_one_live_holder_of_a_number"), transaction.atomic():
        make_subscriber(service_number="19900000001")

    Subscriber.objects.filter(pk=first.pk).update(
        status=SubscriberStatus.TERMINATED, ended_on=date(2026, 3, 1)
    )
    make_subscriber(service_number="19900000001")


def test_terminated_and_the_day_it_ended_go_together():
    line = make_subscriber()
    with refuses("subscriber_terminated_iff_ended"), transaction.atomic():
        Subscriber.objects.filter(pk=line.pk).update(status=SubscriberStatus.TERMINATED)
    with refuses("subscriber_terminated_iff_ended"), transaction.atomic():
        Subscriber.objects.filter(pk=line.pk).update(ended_on=date(2026, 3, 1))


def test_stop_reasons_are_a_set_and_clearing_one_leaves_the_others():
    line = make_subscriber()
    for reason in (StopReason.ARREARS_FULL, StopReason.FRAUD):
        ServiceStop.objects.create(subscriber=line, reason=reason, raised_at=NOON)
    with refuses("servicestop_each_reason_once_at_a_time"), transaction.atomic():
        ServiceStop.objects.create(subscriber=line, reason=StopReason.FRAUD, raised_at=NOON)

    line.stops.filter(reason=StopReason.ARREARS_FULL).update(cleared_at=NOON + DAY)

    assert [stop.reason for stop in line.stops.filter(cleared_at=None)] == [StopReason.FRAUD]


def test_one_account_pays_an_item_at_a_priority_at_a_time():
    account = make_account()
    line = make_subscriber(customer=account.customer, account=account)
    other = make_account(customer=account.customer)

    with refuses("payrelation_one_open_per_item_and_priority"), transaction.atomic():
        PayRelation.objects.create(subscriber=line, account=other, starts_at=NOON)
    PayRelation.objects.create(subscriber=line, account=other, starts_at=NOON, priority=2)
    PayRelation.objects.create(
        subscriber=line, account=other, starts_at=NOON, charge_item="roaming"
    )


def test_a_verified_document_belongs_to_one_party():
    def document(**given):
        return PartyIdentification.objects.create(
            party=Party.objects.create(kind="INDIVIDUAL", name="王"),
            kind="ID_CARD",
            number_encrypted=encrypt_number("11010519491231002X"),
            number_hash=hash_number("ID_CARD", "11010519491231002X"),
            number_masked="110105********002X",
            **given,
        )

    document()
    document(verified_at=NOON)
    with refuses("identification_verified_belongs_to_one_party"), transaction.atomic():
        document(verified_at=NOON)


def test_a_contact_medium_is_current_once():
    party = make_customer().party
    ContactMedium.objects.create(party=party, kind="PHONE", value="19900000001", starts_at=NOON)
    with refuses("contactmedium_current_once"), transaction.atomic():
        ContactMedium.objects.create(party=party, kind="PHONE", value="19900000001", starts_at=NOON)


def test_money_goes_back_only_as_a_reversal():
    ensure_months("customers_payment", first=NOON.date(), last=NOON.date())
    row = {"paid_at": NOON, "account_id": 1, "customer_id": 1, "amount_fen": -100}

    with refuses("payment_negative_only_as_reversal"), transaction.atomic():
        Payment.objects.create(number="P1", **row)
    Payment.objects.create(number="P1", reversal_of="P0", **row)
