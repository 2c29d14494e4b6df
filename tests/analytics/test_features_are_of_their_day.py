"""Nothing dated after the as-of date may move a feature; what is dated before it must."""

from datetime import date, timedelta
from itertools import count

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.features.matrix import FeatureReader, vocabularies
from analytics.features.registry import all_features
from analytics.features.sql import AsOf
from crm.platform.records import ensure_months
from customers.models import (
    Bill,
    BillingAccount,
    Customer,
    Interaction,
    MonthlyUsage,
    Payment,
    ServiceStop,
    Subscriber,
)
from tests.analytics.base import DAY, deliver_months, make_base, noon

serial = count(1)
AT = AsOf(DAY, 30)
MONTHS = (date(2026, 1, 1), date(2026, 12, 1))


@pytest.fixture
def base(db):
    lines = make_base(40)
    deliver_months(lines, first=date(2026, 3, 1), last=date(2026, 9, 1))
    for table in (
        "customers_interaction",
        "customers_payment",
        "customers_bill",
        "customers_monthlyusage",
    ):
        ensure_months(table, first=MONTHS[0], last=MONTHS[1])
    return lines


def look(at: AsOf = AT) -> dict[tuple[int, str], float]:
    features = all_features()
    words = vocabularies(features, at=at, sources=None, least=1)
    matrix = FeatureReader(features, words, at).read_all()
    codes = [feature.code for feature in features]
    return {
        (int(subscriber), code): float(value)
        for subscriber, row in zip(matrix.subscriber_ids, matrix.values, strict=True)
        for code, value in zip(codes, row, strict=True)
    }


def same(before, after) -> bool:
    return before.keys() == after.keys() and all(
        np.array_equal(before[key], after[key], equal_nan=True) for key in before
    )


def bill(line, day):
    Bill.objects.create(
        month=day.replace(day=1),
        account_id=BillingAccount.objects.get(customer=line.customer_id).pk,
        number=f"late{next(serial)}",
        customer_id=line.customer_id,
        amount_fen=999_999,
        due_on=day,
    )


def usage(line, day):
    MonthlyUsage.objects.update_or_create(
        month=day.replace(day=1),
        subscriber_id=line.pk,
        defaults={"customer_id": line.customer_id, "data_kb": 999_999, "dropped_calls": 77},
    )


def payment(line, day):
    Payment.objects.create(
        paid_at=noon(day) + timedelta(seconds=next(serial)),
        number=f"P{next(serial)}",
        account_id=BillingAccount.objects.get(customer=line.customer_id).pk,
        customer_id=line.customer_id,
        amount_fen=55_555,
    )


def complaint(line, day):
    Interaction.objects.create(
        started_at=noon(day), customer_id=line.customer_id, channel="CALL", purpose="COMPLAINT"
    )


def stop(line, day):
    ServiceStop.objects.get_or_create(
        subscriber=line, reason="ARREARS_FULL", defaults={"raised_at": noon(day)}
    )


def cleared(line, day):
    raised = ServiceStop.objects.filter(subscriber=line, cleared_at=None, raised_at__lte=noon(day))
    raised.update(cleared_at=noon(day))


def ended(line, day):
    Subscriber.objects.filter(pk=line.pk).update(status="TERMINATED", ended_on=day)


def new_line(line, day):
    Subscriber.objects.get_or_create(
        number=f"N{line.pk}",
        defaults={
            "customer_id": line.customer_id,
            "service_number": f"N{line.pk}",
            "opened_on": day,
            "source": "file",
        },
    )


def snapshot(line, day):
    Customer.objects.filter(pk=line.customer_id).update(
        characteristics={"contract": "a later one"}, characteristics_as_of=day
    )


def balance(line, day):
    BillingAccount.objects.filter(customer=line.customer_id).update(
        billed_total_fen=7_777_777, balance_as_of=noon(day)
    )


EVENTS = [bill, usage, payment, complaint, stop, cleared, ended, new_line]


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    edits=st.lists(
        st.tuples(st.sampled_from(EVENTS), st.integers(0, 39), st.integers(1, 60)),
        min_size=1,
        max_size=12,
    )
)
def test_what_happens_later_does_not_change_what_was_known(base, edits):
    before = look()

    for event, number, days in edits:
        event(base[number], DAY + timedelta(days=days))

    assert same(before, look())


@pytest.mark.parametrize("event", [bill, usage, payment, complaint, stop, ended])
def test_what_happened_before_does_change_it(base, event):
    """The control: were the reader blind, the test above would pass as well."""
    line = next(line for line in base if line.opened_on < date(2026, 5, 1))
    before = look()

    event(line, date(2026, 8, 20) if event is not bill else date(2026, 8, 1))

    assert not same(before, look())


@pytest.mark.parametrize("event", [snapshot, balance])
def test_a_later_snapshot_is_not_read_as_if_it_were_earlier(base, event):
    """What is kept as of one day only becomes unknown for the days before it, never wrong."""
    line = base[3]
    event(line, DAY + timedelta(days=1))

    known = {code: value for (pk, code), value in look().items() if pk == line.pk}

    assert np.isnan(known["customer.contract" if event is snapshot else "billed_total"])


def test_only_those_live_on_the_day_are_looked_at(base):
    ended(base[0], DAY)
    ended(base[1], DAY + timedelta(days=1))
    Subscriber.objects.filter(pk=base[2].pk).update(
        opened_on=DAY + timedelta(days=1), ended_on=None, status="ACTIVE"
    )

    seen = {subscriber for subscriber, _code in look()}

    assert base[0].pk not in seen
    assert base[1].pk in seen
    assert base[2].pk not in seen


def test_a_month_counts_from_its_last_day_on(base):
    line = next(line for line in base if line.opened_on < date(2026, 5, 1))
    of_september = Bill.objects.get(customer_id=line.customer_id, month=date(2026, 9, 1)).amount_fen
    of_august = Bill.objects.get(customer_id=line.customer_id, month=date(2026, 8, 1)).amount_fen

    assert look()[line.pk, "bill_last"] == of_september
    assert look(AsOf(date(2026, 9, 29)))[line.pk, "bill_last"] == of_august
