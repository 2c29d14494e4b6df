"""Reasons are sentences, in the reader's language, whatever the feature and its value."""

from datetime import date

import pytest
from django.template.loader import render_to_string
from django.utils import timezone, translation

from analytics.features.definition import Kind
from analytics.features.registry import BUILT_IN
from analytics.reasons import LOWERS, RAISES, features_of, sentence
from analytics.selectors import churn_card
from crm.platform.records import ensure_months
from customers.models import ChurnScore
from tests.analytics.base import declare
from tests.factories import make_customer, make_subscriber


@pytest.mark.parametrize(
    ("code", "value", "direction", "said"),
    [
        ("bill_against_mean", 0.4, RAISES, "Last bill up 40 % against the 6-month mean"),
        ("bill_against_mean", -0.25, RAISES, "Last bill down 25 % against the 6-month mean"),
        ("tenure_months", 2.9, RAISES, "Only 3 months with us"),
        ("tenure_months", 71.6, LOWERS, "72 months with us"),
        ("contract_months_left", 1.02, RAISES, "Contract ends in 1 month"),
        ("contract_months_left", -2.0, RAISES, "Contract ran out 2 months ago"),
        ("monthly_fee", 12900.0, RAISES, "Monthly fee: ¥129.00"),
        ("days_since_complaint", 1.0, RAISES, "Complained 1 day ago"),
        ("arrears_stop", 1.0, RAISES, "Stopped for arrears: yes"),
        ("category", "VIP", RAISES, "Customer category: VIP"),
        ("data_mean_3", 12.34, RAISES, "Data, mean of 3 months: 12.3 GB"),
        ("plan", None, RAISES, "Plan: not known"),
        ("a_feature_of_old", 3.14159, RAISES, "a_feature_of_old: 3.14"),
    ],
)
def test_a_reason_reads_like_a_sentence(code, value, direction, said):
    with translation.override("en"):
        assert sentence(code, value, direction) == said


@pytest.mark.parametrize("direction", [RAISES, LOWERS])
@pytest.mark.parametrize("value", [None, 0.0, 1.0, -3.5, 1e9])
def test_every_feature_has_words_for_every_value(value, direction):
    for feature in BUILT_IN:
        if feature.kind != Kind.CATEGORY:
            said = sentence(feature, value, direction)
            assert said and "{" not in said


@pytest.mark.django_db
def test_a_declared_characteristic_speaks_the_readers_language():
    declare("Contract", name="Contract", name_zh="合约")

    with translation.override("zh-hans"):
        chinese = features_of(["customer.Contract"])["customer.Contract"]
        assert sentence(chinese, "Month-to-month").startswith("合约")
    with translation.override("en"):
        english = features_of(["customer.Contract"])["customer.Contract"]
        assert sentence(english, "Month-to-month") == "Contract: Month-to-month"


def score(line, day: date, probability: float, decile: int, *reasons: dict) -> None:
    ensure_months("customers_churnscore", first=day, last=day)
    ChurnScore.objects.create(
        as_of=day,
        subscriber_id=line.pk,
        customer_id=line.customer_id,
        probability=probability,
        decile=decile,
        reasons=list(reasons),
        model_version="churn-20260930-1",
        scored_at=timezone.now(),
    )


@pytest.mark.django_db
def test_a_customer_has_a_card_a_live_line_with_the_latest_score(django_assert_num_queries):
    customer = make_customer()
    declare("Contract")
    calm, risky, gone, never_scored = (make_subscriber(customer=customer) for _ in range(4))
    contract = {"feature": "customer.Contract", "value": "Month-to-month", "contribution": 0.9}
    bill = {"feature": "bill_against_mean", "value": 0.4, "contribution": 0.5}
    score(calm, date(2026, 9, 30), 0.02, 8)
    score(risky, date(2026, 8, 31), 0.1, 4)
    score(risky, date(2026, 9, 30), 0.6, 1, contract, bill)
    score(gone, date(2026, 9, 30), 0.9, 1)
    gone.status, gone.ended_on = "TERMINATED", date(2026, 10, 3)
    gone.save()

    with translation.override("en"), django_assert_num_queries(2):
        cards = churn_card(customer.pk)

    assert [(card.subscriber_id, card.level) for card in cards] == [
        (risky.pk, "high"),
        (calm.pk, "low"),
    ]
    assert cards[0].reasons == [
        "Contract: Month-to-month",
        "Last bill up 40 % against the 6-month mean",
    ]
    assert never_scored.pk not in {card.subscriber_id for card in cards}
    page = render_to_string("analytics/_churn_card.html", {"cards": cards})
    assert risky.service_number not in page
    assert "Month-to-month" in page and "churn-20260930-1" in page
