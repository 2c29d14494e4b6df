from datetime import timedelta

import pytest
from django.utils import timezone

from crm.platform.records import ensure_months
from tests.factories import make_province

MONTHLY = [
    "customers_bill",
    "customers_monthlyusage",
    "customers_interaction",
    "customers_payment",
    "customers_churnscore",
]


@pytest.fixture
def province(db):
    return make_province()


@pytest.fixture
def partitions(db):
    today = timezone.localdate()
    for table in MONTHLY:
        ensure_months(table, first=today - timedelta(days=430), last=today + timedelta(days=31))
