"""How a customer wants to be contacted, and what it does to whether they may be."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from crm.platform.events.models import Event
from customers.models import ContactPreference, Party
from customers.selectors import may_contact, preferences_of, verdicts_by_channel
from customers.selectors.contactability import next_in_window
from customers.services import PreferencesRefused, Proof, Wishes, give_consent, set_preferences
from tests.factories import make_customer, make_staff

NOON = datetime(2026, 11, 2, 4, tzinfo=UTC)  # a Monday, noon in Shanghai
SHANGHAI = ZoneInfo("Asia/Shanghai")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WORKDAYS = Wishes(window_starts=time(9), window_ends=time(18), window_days=[1, 2, 3, 4, 5])


def wish(customer, wishes=WORKDAYS, *, at=NOON, seen=None, actor=None):
    return set_preferences(customer_id=customer.pk, wishes=wishes, seen=seen, actor=actor, at=at)


def agreed():
    wang = make_customer()
    give_consent(
        customer_id=wang.pk, purpose="MARKETING", channels=["SMS", "CALL"],
        proof=Proof("PAPER", "Form 17"), actor=None, at=NOON - DAY,
    )  # fmt: skip
    return wang


def verdict(customer, at):
    return may_contact(customer_id=customer.pk, purpose="MARKETING", channel="SMS", at=at)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("at", "next_at"),
    [
        (NOON, None),
        (NOON - 3 * HOUR, None),  # nine o'clock sharp
        (NOON - 3 * HOUR - timedelta(seconds=1), NOON - 3 * HOUR),
        (NOON + 6 * HOUR, NOON + 21 * HOUR),  # six o'clock sharp is too late
        (NOON + 4 * DAY + 8 * HOUR, NOON + 7 * DAY - 3 * HOUR),  # Friday evening
    ],
)
def test_outside_the_window_is_not_now_but_then(at, next_at):
    wang = agreed()
    wish(wang)

    found = verdict(wang, at)

    assert (found.allowed, found.next_at) == (next_at is None, next_at)
    if next_at:
        assert (
            found.code == "outside_window" and "not to be contacted before 2026-11" in found.reason
        )
        assert verdict(wang, next_at).allowed


@pytest.mark.django_db
def test_do_not_contact_stops_every_channel_but_not_what_contacts_nobody():
    wang = agreed()
    give_consent(
        customer_id=wang.pk, purpose="PROFILING", proof=Proof("WEB", "click 1"), actor=None, at=NOON
    )

    wish(wang, Wishes(do_not_contact="BEREAVED"))

    found = verdicts_by_channel(customer_id=wang.pk, purpose="MARKETING", at=NOON)
    assert {v.code for v in found.values()} == {"do_not_contact"} and len(found) == 6
    assert may_contact(customer_id=wang.pk, purpose="PROFILING", at=NOON).allowed
    wish(wang, Wishes(), at=NOON + HOUR)
    assert verdict(wang, NOON + HOUR).allowed


@pytest.mark.django_db
def test_what_was_wished_before_stays_readable():
    wang, clerk = make_customer(), make_staff("clerk")
    first = wish(wang, actor=clerk)
    second = wish(wang, Wishes(language="en"), at=NOON + DAY, seen=first.pk)

    assert preferences_of(customer=wang, at=NOON - HOUR) is None
    assert preferences_of(customer=wang, at=NOON + HOUR) == first
    assert preferences_of(customer=wang, at=NOON + DAY) == second
    assert (first.staff, second.language, second.window_starts) == (clerk, "en", None)
    assert Event.objects.filter(name="customers.preferences.set").count() == 2


@pytest.mark.django_db
def test_the_same_again_changes_nothing():
    wang = make_customer()

    assert wish(wang, Wishes()) is None
    assert wish(wang) == wish(wang, at=NOON + DAY)
    assert ContactPreference.objects.count() == Event.objects.count() == 1


@pytest.mark.django_db
def test_the_second_of_two_editors_is_told():
    wang = make_customer()
    wish(wang, seen=0)

    with pytest.raises(PreferencesRefused, match="meanwhile"):
        wish(wang, Wishes(language="en"), seen=0)

    assert ContactPreference.objects.get().language == ""


@pytest.mark.django_db
def test_every_failing_rule_is_said():
    wrong = Wishes("PIGEON", "la", time(9), None, [], "FUN")

    with pytest.raises(PreferencesRefused) as refused:
        wish(make_customer(), wrong)

    assert [r.code for r in refused.value.refusals] == [
        "channel_unknown", "language_unknown", "reason_unknown", "window_half",
        "window_without_days",
    ]  # fmt: skip
    with pytest.raises(PreferencesRefused, match="end after it begins"):
        wish(make_customer(), Wishes(window_starts=time(18), window_ends=time(9)))
    with pytest.raises(Party.DoesNotExist):
        set_preferences(customer_id=0, wishes=WORKDAYS, seen=None, actor=None, at=NOON)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ({"window_starts": time(9)}, "contactpreference_window_has_both_ends"),
        (
            {"window_starts": time(9), "window_ends": time(9)},
            "contactpreference_window_has_both_ends",
        ),
        ({"window_days": []}, "contactpreference_some_days_of_the_week"),
        ({"window_days": [8]}, "contactpreference_some_days_of_the_week"),
        ({"do_not_contact": "FUN"}, "contactpreference_do_not_contact_known"),
        ({"preferred_channel": "PIGEON"}, "contactpreference_channel_known"),
    ],
)
def test_the_database_keeps_the_rules(broken, rule):
    party = make_customer().party

    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        ContactPreference.objects.create(party=party, set_at=NOON, **broken)


@given(
    at=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    hours=st.one_of(
        st.none(), st.tuples(st.times(), st.times()).map(sorted).filter(lambda t: t[0] < t[1])
    ),
    days=st.sets(st.integers(1, 7), min_size=1),
)
def test_the_next_moment_is_the_first_in_the_window(at, hours, days):
    at = at.replace(tzinfo=UTC)
    starts, ends = hours or (None, None)

    found = next_in_window(at, starts=starts, ends=ends, days=days)

    local = found.astimezone(SHANGHAI)
    assert at <= found <= at + 8 * DAY and local.isoweekday() in days
    if hours:
        assert starts <= local.time() < ends
    if found > at:  # then only because the window opens at that moment
        assert local.time() == (starts or time.min)
