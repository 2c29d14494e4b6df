"""A small base whose leavers leave for reasons that are written down."""

from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from crm.platform.records import ensure_months, next_month
from customers.models import (
    Bill,
    BillingAccount,
    CharacteristicEntity,
    CharacteristicSpec,
    CharacteristicType,
    Customer,
    MonthlyUsage,
    Party,
    PayRelation,
    Subscriber,
)
from tests.factories import make_org

DAY = date(2026, 9, 30)
GIGABYTE = 1024 * 1024


def make_base(
    size: int, *, source: str = "file", seed: int = 1, dated: bool = True, prefix: str = ""
) -> list[Subscriber]:
    """
    Subscribers of one source, seen on DAY: the shorter their time with us and the dearer their
    plan, the sooner they leave; a monthly contract trebles it. About a quarter leave.
    """
    rng = np.random.default_rng(seed)
    prefix = prefix or source
    tenure = rng.integers(1, 72, size)
    fee = rng.integers(20, 120, size) * 100
    monthly = rng.random(size) < 0.5
    log_odds = -1.2 - tenure / 25 + fee / 5000 + 1.3 * monthly + rng.normal(0, 0.3, size)
    leaves = rng.random(size) < 1 / (1 + np.exp(-log_odds))
    org = make_org()
    parties = Party.objects.bulk_create(
        Party(kind="INDIVIDUAL", name=f"{prefix}{n}") for n in range(size)
    )
    opened = [DAY - timedelta(days=int(months) * 30) for months in tenure]
    customers = Customer.objects.bulk_create(
        Customer(
            number=f"{prefix}-{n:06}",
            party=parties[n],
            home_org=org,
            opened_on=opened[n],
            source=source,
            characteristics={"contract": "monthly" if monthly[n] else "yearly"},
            characteristics_as_of=DAY if dated else None,
        )
        for n in range(size)
    )
    accounts = BillingAccount.objects.bulk_create(
        BillingAccount(
            number=f"{prefix}-A{n:06}", customer=customers[n], opened_on=opened[n], source=source
        )
        for n in range(size)
    )
    subscribers = Subscriber.objects.bulk_create(
        Subscriber(
            number=f"{prefix}-S{n:06}",
            customer=customers[n],
            service_number=f"{prefix}{n:06}",
            monthly_fee_fen=int(fee[n]),
            opened_on=opened[n],
            source=source,
            status="TERMINATED" if leaves[n] else "ACTIVE",
            ended_on=DAY + timedelta(days=1 + n % 30) if leaves[n] else None,
        )
        for n in range(size)
    )
    PayRelation.objects.bulk_create(
        PayRelation(subscriber=line, account=account, starts_at=noon(line.opened_on))
        for line, account in zip(subscribers, accounts, strict=True)
    )
    declare("contract")
    return subscribers


def declare(
    code: str, value_type: str = CharacteristicType.TEXT, **given: object
) -> CharacteristicSpec:
    return CharacteristicSpec.objects.get_or_create(
        entity=CharacteristicEntity.CUSTOMER,
        code=code,
        defaults={"value_type": value_type, "name": code} | given,
    )[0]


def deliver_months(
    subscribers: list[Subscriber], *, first: date, last: date, seed: int = 2
) -> None:
    """Usage and a bill for every month in which a subscriber lived, from `first` to `last`."""
    for table in ("customers_monthlyusage", "customers_bill"):
        ensure_months(table, first=first, last=last)
    rng = np.random.default_rng(seed)
    account_of = dict(PayRelation.objects.values_list("subscriber_id", "account_id"))
    usage, bills, month = [], [], first
    while month <= last:
        for line in subscribers:
            if line.opened_on >= next_month(month) or (line.ended_on and line.ended_on <= month):
                continue
            owner = {"customer_id": line.customer_id, "month": month}
            usage.append(
                MonthlyUsage(
                    subscriber_id=line.pk,
                    voice_out_seconds=int(rng.integers(0, 9000)),
                    data_kb=int(rng.integers(1, 30 * GIGABYTE)),
                    sms_count=int(rng.integers(0, 20)),
                    dropped_calls=int(rng.integers(0, 5)),
                    **owner,
                )
            )
            bills.append(
                Bill(
                    account_id=account_of[line.pk],
                    number=f"B{line.pk}-{month:%Y%m}",
                    amount_fen=int(line.monthly_fee_fen + rng.integers(0, 2000)),
                    due_on=next_month(month) + timedelta(days=24),
                    **owner,
                )
            )
        month = next_month(month)
    MonthlyUsage.objects.bulk_create(usage, batch_size=2000)
    Bill.objects.bulk_create(bills, batch_size=2000)


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)
