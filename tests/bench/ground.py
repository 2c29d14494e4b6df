"""
What one access record and one event cost their caller, beside a bare INSERT of the same row.

Product and bare statement take turns in one open transaction, as in life, where they ride in
the caller's; commits are not counted. Medians in milliseconds.
"""

import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.test import RequestFactory

from crm.platform.access.models import OrgUnit, Staff
from crm.platform.audit.services import record_access
from crm.platform.events.handlers import on
from crm.platform.events.outbox import publish
from crm.platform.records import uuid7

ROUNDS = 20
A_ROUND = 100
EVENT = "bench.thing.happened"

BARE_RECORD = """
INSERT INTO audit_accessrecord
  (at, id, staff_id, org_id, role_codes, action, result, object_type, object_id, customer_id,
   field_classes, row_count, reason, interaction_id, ip, terminal_digest, session_digest,
   request_id)
VALUES (%s, %s, %s, %s, '{clerk}', 'VIEW', 'OK', 'customers.customer', '7', 7,
   '{phone}', 1, '', NULL, '10.0.0.1', %s, '', 'request-0001')
"""
BARE_EVENT = """
INSERT INTO events_event (occurred_at, id, name, actor_id, data) VALUES (%s, %s, %s, %s, %s)
"""


@on(EVENT)
def _hear(event: object) -> None:
    """One handler, so that an event is owed to somebody."""


def record_access_call(*, customers: int) -> dict[str, Any]:
    """One `record_access` of a page view."""
    clerk = _clerk()
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", HTTP_USER_AGENT="Bench")
    request.id = "request-0001"  # type: ignore[attr-defined]

    def product() -> None:
        record_access(
            request=request,
            actor=clerk,
            action="VIEW",
            object_type="customers.customer",
            object_id=7,
            customer_id=7,
            field_classes=["phone"],
            at=datetime.now(UTC),
        )

    def bare() -> None:
        row = [datetime.now(UTC), uuid7(), clerk.pk, clerk.org_id, "a" * 32]
        with connection.cursor() as cursor:
            cursor.execute(BARE_RECORD, row)

    return _measured("record_access_call", product, bare)


def publish_call(*, customers: int) -> dict[str, Any]:
    """One `publish` of an event that one handler is owed; the bare side writes the event only."""
    clerk = _clerk()

    def product() -> None:
        publish(EVENT, at=datetime.now(UTC), actor=clerk, customer_id=7)

    def bare() -> None:
        row = [datetime.now(UTC), uuid7(), EVENT, clerk.pk, json.dumps({"customer_id": 7})]
        with connection.cursor() as cursor:
            cursor.execute(BARE_EVENT, row)

    return _measured("publish_call", product, bare)


def _measured(name: str, product: Callable[[], None], bare: Callable[[], None]) -> dict[str, Any]:
    ratios, values, limits = [], [], []
    for _ in range(ROUNDS):
        with transaction.atomic():
            value, limit = _median(product), _median(bare)
            transaction.set_rollback(True)
        ratios.append(value / limit)
        values.append(value)
        limits.append(limit)
    return {
        "name": name,
        "value": round(statistics.median(values), 3),
        "unit": "ms",
        "limit": round(statistics.median(limits), 3),
        "ratio": round(statistics.median(ratios), 2),
        "customers": 0,
        "rows": ROUNDS * A_ROUND,
    }


def _median(call: Callable[[], None]) -> float:
    took = []
    for _ in range(A_ROUND):
        began = time.perf_counter()
        call()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def _clerk() -> Staff:
    hall = OrgUnit.objects.create(code="HALL", name="Hall", level="PROVINCE")
    clerk = Staff.objects.create_user("bench", None, name="Bench", org=hall)
    clerk.groups.set(Group.objects.filter(name="clerk"))
    return clerk
