"""Writing down who looked."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models.expressions import RawSQL
from django.http import HttpRequest

from crm.platform.access.masking import FieldClass
from crm.platform.access.models import Staff
from crm.platform.audit.models import AccessAction, AccessRecord, AccessResult
from crm.platform.audit.origin import client_address, session_digest, terminal_digest
from crm.platform.partitions import ensure_month

# The roles as they are at this moment, read by the INSERT itself.
_ROLE_CODES = """
ARRAY(SELECT r.code FROM access_role r
      JOIN access_staff_groups g ON g.group_id = r.group_id
      WHERE g.staff_id = %s ORDER BY r.code)::varchar(30)[]
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
    ensure_month(AccessRecord._meta.db_table, at)
    AccessRecord.objects.create(
        at=at,
        staff=staff,
        org_id=staff.org_id if staff else None,
        role_codes=RawSQL(_ROLE_CODES, [staff.pk]) if staff else [],
        action=AccessAction(action),
        result=AccessResult(result),
        object_type=object_type,
        object_id=str(object_id)[:100],
        customer_id=customer_id,
        field_classes=sorted(FieldClass(name) for name in field_classes),
        row_count=row_count,
        reason=reason[:500],
        **_origin(request, interaction_id),
    )
    if request is not None and action == AccessAction.DENIED:
        request.denial_is_recorded = True  # type: ignore[attr-defined]


def _origin(request: HttpRequest | None, interaction_id: UUID | None) -> dict[str, Any]:
    if request is None:
        return {"interaction_id": interaction_id}
    request = getattr(request, "_request", request)  # REST framework wraps Django's own
    return {
        "interaction_id": interaction_id or getattr(request, "interaction_id", None),
        "ip": client_address(request),
        "terminal_digest": terminal_digest(request),
        "session_digest": session_digest(request),
        "request_id": getattr(request, "id", ""),
    }
