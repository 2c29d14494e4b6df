"""Writing down who looked."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.http import HttpRequest

from crm.platform.access.masking import FieldClass
from crm.platform.access.models import Staff
from crm.platform.audit.models import AccessAction, AccessRecord, AccessResult
from crm.platform.audit.origin import client_address, session_digest, terminal_digest
from crm.platform.partitions import ensure_month
from crm.platform.records import uuid7

# Written by hand because every look pays for it: the ORM takes five times as long for the row.
# The roles are read by the INSERT itself, as they are at this moment.
_INSERT = """
INSERT INTO audit_accessrecord
  (at, id, staff_id, org_id, role_codes, action, result, object_type, object_id, customer_id,
   field_classes, row_count, reason, interaction_id, ip, terminal_digest, session_digest,
   request_id)
VALUES
  (%(at)s, %(id)s, %(staff)s, %(org)s,
   ARRAY(SELECT r.code FROM access_role r
         JOIN access_staff_groups g ON g.group_id = r.group_id
         WHERE g.staff_id = %(staff)s ORDER BY r.code),
   %(action)s, %(result)s, %(object_type)s, %(object_id)s, %(customer)s,
   %(field_classes)s::varchar[], %(row_count)s, %(reason)s, %(interaction)s, %(ip)s,
   %(terminal)s, %(session)s, %(request)s)
"""


def record_access(
    *,
    request: HttpRequest | None = None,
    actor: Staff | AnonymousUser | None,
    action: AccessAction | str,
    object_type: str,
    object_id: object = "",
    customer_id: int | None = None,
    field_classes: Iterable[FieldClass | str] = (),
    row_count: int = 1,
    reason: str = "",
    result: AccessResult | str = AccessResult.OK,
    interaction_id: UUID | None = None,
    at: datetime,
) -> None:
    """
    Write one access record: one INSERT, in the caller's transaction.

    `object_type` says what was looked at ("customers.customer", "search"), `object_id` which
    one, `customer_id` whose data it was, `field_classes` which classes were seen unmasked or
    masked, `row_count` how many rows. The interaction is the one given, or the one the request
    belongs to (`request.interaction_id`). Reasons are kept to 500 characters.

    :raises ValueError: for an action or a field class that does not exist.
    :raises IntegrityError: for unmasking without a reason.
    """
    staff = actor if isinstance(actor, Staff) else None
    row: dict[str, Any] = {
        "at": at,
        "id": uuid7(),
        "staff": staff.pk if staff else None,
        "org": staff.org_id if staff else None,
        "action": AccessAction(action).value,
        "result": AccessResult(result).value,
        "object_type": object_type[:60],
        "object_id": str(object_id)[:100],
        "customer": customer_id,
        "field_classes": sorted(FieldClass(name).value for name in field_classes),
        "row_count": row_count,
        "reason": reason[:500],
    }
    ensure_month(AccessRecord._meta.db_table, at)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, row | _origin(request, interaction_id))
    if request is not None and action == AccessAction.DENIED:
        request.denial_is_recorded = True  # type: ignore[attr-defined]


def _origin(request: HttpRequest | None, interaction_id: UUID | None) -> dict[str, Any]:
    if request is None:
        nowhere = {"ip": None, "terminal": "", "session": "", "request": ""}
        return nowhere | {"interaction": interaction_id}
    request = getattr(request, "_request", request)  # REST framework wraps Django's own
    return {
        "interaction": interaction_id or getattr(request, "interaction_id", None),
        "ip": client_address(request),
        "terminal": terminal_digest(request),
        "session": session_digest(request),
        "request": getattr(request, "id", ""),
    }
