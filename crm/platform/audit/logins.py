"""Log-ins, told by Django's own signals: who came in, and who was not let in."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from crm.platform.access.models import Staff
from crm.platform.audit.models import AccessAction, AccessResult
from crm.platform.audit.origin import digest
from crm.platform.audit.services import record_access


def record_login(*, request: HttpRequest | None, user: Staff, **_signal: Any) -> None:
    record_access(
        request=request,
        actor=user,
        action=AccessAction.LOGIN,
        object_type="access.staff",
        object_id=user.staff_code,
        row_count=0,
        at=timezone.now(),
    )


def record_failed_login(
    *, credentials: dict[str, Any], request: HttpRequest | None = None, **_signal: Any
) -> None:
    """
    Record the account that was tried. What is no staff code may be a password typed into the
    wrong box, so only its digest is kept.
    """
    tried = str(credentials.get("username") or credentials.get("staff_code") or "")
    staff = Staff.objects.filter(staff_code=tried).first() if "\x00" not in tried else None
    record_access(
        request=request,
        actor=staff,
        action=AccessAction.LOGIN,
        result=AccessResult.REFUSED,
        object_type="access.staff",
        object_id=staff.staff_code if staff else f"unknown:{digest(tried)[:12]}",
        row_count=0,
        at=timezone.now(),
    )
