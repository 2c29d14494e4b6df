"""The ledger of consents: what holds, what the database refuses, what is published."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.platform.events.models import Event
from crm.platform.history.past import as_of
from customers.consent_texts import current_text
from customers.models import Consent, ConsentPurpose, ContactChannel, ContactPreference, Party
from customers.selectors import contact_verdicts, holdings_of, may_contact
from customers.services import ConsentRefused, Proof, give_consent, withdraw_consent
from tests.factories import make_customer, make_staff

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 2, 4, tzinfo=UTC)  # a Monday, noon in Shanghai
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PAPER = Proof("PAPER", "Form 17")


def give(customer, *channels, purpose="MARKETING", at=NOON, proof=PAPER, **given):
    return give_consent(
        customer_id=customer.pk, purpose=purpose, channels=channels, proof=proof, actor=None,
        at=at, **given,
    )  # fmt: skip


def withdraw(customer, *channels, purpose="MARKETING", at=NOON, proof=None):
    return withdraw_consent(
        customer_id=customer.pk, purpose=purpose, channels=channels,
        proof=proof or Proof("CALL"), actor=None, at=at,
    )  # fmt: skip


def verdict(customer, channel="SMS", purpose="MARKETING", at=NOON + DAY):
    return may_contact(customer_id=customer.pk, purpose=purpose, channel=channel, at=at).code


def test_silence_is_refusal():
    wang = make_customer()

    assert verdict(wang) == "no_consent"
    assert may_contact(customer_id=0, purpose="SHARING", at=NOON).code == "no_consent"


def test_consent_is_for_the_channels_it_was_given_for():
    wang = make_customer()
    clerk = make_staff("clerk")

    rows = give_consent(
        customer_id=wang.pk, purpose="MARKETING", channels=["SMS", "EMAIL"], proof=PAPER,
        actor=clerk, at=NOON,
    )  # fmt: skip

    assert [(row.channel, row.state, row.text_version, row.staff) for row in rows] == [
        ("SMS", "GIVEN", "2026-1", clerk),
        ("EMAIL", "GIVEN", "2026-1", clerk),
    ]
    assert [verdict(wang, c) for c in ("SMS", "EMAIL", "CALL")] == [
        "allowed", "allowed", "no_consent",
    ]  # fmt: skip
    assert verdict(wang, "SMS", "SURVEY") == "no_consent"


def test_a_withdrawal_for_every_channel_covers_them_all():
    wang = make_customer()
    give(wang, "SMS", "CALL")

    withdraw(wang, at=NOON + HOUR)

    assert {verdict(wang, channel) for channel in ContactChannel.values} == {"withdrawn"}
    give(wang, "CALL", at=NOON + 2 * HOUR)
    assert (verdict(wang, "CALL"), verdict(wang, "SMS")) == ("allowed", "withdrawn")
    withdraw(wang, at=NOON + 3 * HOUR)
    assert verdict(wang, "CALL") == "withdrawn"


def test_a_purpose_without_channels():
    wang = make_customer()

    give(wang, purpose="PROFILING")

    assert verdict(wang, "", "PROFILING") == "allowed"
    with pytest.raises(ValueError, match="no channels"):
        verdict(wang, "SMS", "PROFILING")
    with pytest.raises(ValueError):
        verdict(wang, "", "MARKETING")


def test_a_consent_ends():
    wang = make_customer()
    give(wang, "SMS", expires_at=NOON + DAY)

    assert verdict(wang, at=NOON + DAY - timedelta(seconds=1)) == "allowed"
    assert verdict(wang, at=NOON + DAY) == "expired"


def test_a_paper_that_arrives_late_does_not_undo_what_was_decided_after_it():
    wang = make_customer()
    withdraw(wang, "SMS", at=NOON)

    give(wang, "SMS", at=NOON + DAY, proof=Proof("PAPER", "Form 16", decided_at=NOON - DAY))

    assert verdict(wang) == "withdrawn"


def test_a_withdrawal_counts_though_another_machines_clock_is_behind():
    wang = make_customer()
    give(wang, "SMS")
    withdraw(wang, "SMS", at=NOON + HOUR)

    assert verdict(wang, at=NOON) == "withdrawn"


def test_what_was_known_at_a_moment_before():
    wang = make_customer()
    give(wang, "SMS")
    withdraw(wang, at=NOON + DAY)

    def state(at):
        return {h.channel: h.state for h in holdings_of(customer=wang, at=at)[:6]}["SMS"]

    assert [state(NOON - HOUR), state(NOON + HOUR), state(NOON + DAY)] == [
        "NEVER", "GIVEN", "WITHDRAWN",
    ]  # fmt: skip


def test_the_rule_itself_looks_at_the_past():
    wang, now = make_customer(), datetime.now(UTC)
    give(wang, "EMAIL", at=now + HOUR)
    withdraw(wang, at=now + 2 * DAY)

    with as_of(now + DAY):
        assert verdict(wang, "EMAIL", at=now + DAY) == "allowed"
    assert verdict(wang, "EMAIL", at=now + DAY) == "withdrawn"


def test_what_is_said_twice_is_written_once():
    wang = make_customer()
    give(wang, "SMS", "CALL")

    assert give(wang, "SMS", "CALL", at=NOON + HOUR) == []
    assert len(give(wang, "SMS", at=NOON + HOUR, proof=Proof("PAPER", "Form 18"))) == 1
    assert len(withdraw(wang, at=NOON + 2 * HOUR)) == 1
    assert withdraw(wang, at=NOON + 3 * HOUR) == []
    give(wang, "SMS", at=NOON + 4 * HOUR)
    assert len(withdraw(wang, at=NOON + 5 * HOUR)) == 1  # as said before, but not since
    assert verdict(wang) == "withdrawn"


def test_it_is_published_without_a_person():
    wang = make_customer()
    give(wang, "SMS")
    withdraw(wang, at=NOON + HOUR)

    events = Event.objects.order_by("occurred_at")

    assert [event.name for event in events] == [
        "customers.consent.given", "customers.consent.withdrawn",
    ]  # fmt: skip
    assert events[0].data.keys() == {
        "consent_id", "party_id", "customer_id", "purpose", "channel",
    }  # fmt: skip


def test_every_failing_rule_is_said():
    wang = make_customer()

    with pytest.raises(ConsentRefused) as refused:
        give(wang, proof=Proof("PAPER", " ", decided_at=NOON + DAY), expires_at=NOON)

    assert [refusal.code for refusal in refused.value.refusals] == [
        "decided_in_the_future", "channel_missing", "evidence_missing", "expired_already",
    ]  # fmt: skip
    assert not Consent.objects.exists() and not Event.objects.exists()
    with pytest.raises(ConsentRefused, match="has no channels"):
        withdraw(wang, "SMS", purpose="SHARING")
    with pytest.raises(ConsentRefused, match="PIGEON"):
        withdraw(wang, "PIGEON")
    with pytest.raises(Party.DoesNotExist):
        withdraw_consent(
            customer_id=0, purpose="MARKETING", proof=Proof("SMS"), actor=None, at=NOON
        )


@pytest.mark.parametrize("table", ["consent", "contactpreference"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE customers_{} SET interaction_id = NULL",
        "DELETE FROM customers_{}",
        "SET CONSTRAINTS ALL IMMEDIATE; SET crm.may_truncate = off; TRUNCATE customers_{}",
    ],
)
def test_what_was_decided_stays(table, statement):
    wang = make_customer()
    give(wang, "SMS")
    ContactPreference.objects.create(party=wang.party, set_at=NOON)

    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table))


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ({"channel": ""}, "consent_given_for_one_channel_at_a_time"),
        ({"channel": "PIGEON"}, "consent_channel_known"),
        ({"purpose": "SHARING"}, "consent_channel_only_where_the_purpose_has_some"),
        ({"purpose": "FUN", "channel": ""}, "consent_purpose_known"),
        ({"state": "MAYBE"}, "consent_state_known"),
        ({"evidence": ""}, "consent_given_with_text_and_evidence"),
        ({"text_version": ""}, "consent_given_with_text_and_evidence"),
        ({"expires_at": NOON}, "consent_only_a_given_one_expires_and_later"),
        ({"decided_at": NOON + DAY}, "consent_decided_before_it_is_recorded"),
        ({"source": "DREAM"}, "consent_source_known"),
    ],
)
def test_the_database_keeps_the_rules(broken, rule):
    row = {
        "party": make_customer().party, "purpose": "MARKETING", "channel": "SMS",
        "state": "GIVEN", "text_version": "1", "evidence": "x", "source": "WEB",
        "decided_at": NOON, "recorded_at": NOON,
    }  # fmt: skip

    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        Consent.objects.create(**row | broken)


CHANNELS = ["SMS", "CALL", "EMAIL"]
decisions = st.tuples(
    st.integers(0, 9),  # hours since the beginning, in any order: papers arrive late
    st.one_of(
        st.tuples(st.just("give"), st.sets(st.sampled_from(CHANNELS), min_size=1)),
        st.tuples(st.just("withdraw"), st.sets(st.sampled_from(CHANNELS))),
    ),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(decisions, max_size=12))
def test_any_sequence_of_decisions_means_what_a_simple_model_says(sequence):
    wang = make_customer()
    model = {}  # channel -> (hour, place in the sequence, may)
    for place, (hour, (what, channels)) in enumerate(sequence):
        proof = Proof("PAPER", f"form {place}", decided_at=NOON + hour * HOUR)
        decide = give if what == "give" else withdraw
        decide(wang, *sorted(channels), at=NOON + DAY, proof=proof)
        for channel in channels or CHANNELS:
            said = (hour, place, what == "give")
            model[channel] = max(model.get(channel, said), said)

    for channel in CHANNELS:
        (found,) = contact_verdicts(
            customer_ids=[wang.pk], purpose="MARKETING", channel=channel, at=NOON + DAY
        ).values()
        assert found.allowed == (channel in model and model[channel][2])
    shown = {h.channel: h.is_given for h in holdings_of(customer=wang, at=NOON + DAY)[:6]}
    assert {c for c in CHANNELS if shown[c]} == {c for c in CHANNELS if c in model and model[c][2]}


def test_many_customers_are_one_question(django_assert_num_queries):
    customers = [make_customer() for _ in range(20)]
    for customer in customers[::2]:
        give(customer, "SMS")

    with django_assert_num_queries(1):
        found = contact_verdicts(
            customer_ids=[c.pk for c in customers], purpose="MARKETING", channel="SMS", at=NOON
        )

    assert [found[c.pk].allowed for c in customers] == [True, False] * 10


def test_every_purpose_has_a_text():
    assert all(current_text(purpose).text for purpose in ConsentPurpose)
