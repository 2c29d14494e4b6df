"""Who looked at whom, for the auditor, whose own look is recorded like any other."""

from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from crm.platform.access.models import Staff
from crm.platform.audit.forms import AccessFilter
from crm.platform.audit.models import AccessAction, AccessRecord
from crm.platform.audit.services import record_access
from crm.platform.keyset import BadCursor, KeysetPage, page_of

ROWS = 50


@login_required
@permission_required("audit.view_accessrecord", raise_exception=True)
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, Staff)
    asked = AccessFilter(request.GET)
    page = KeysetPage([], None, None)
    if asked.is_valid():
        records = AccessRecord.objects.visible_to(request.user).select_related("staff", "org")
        try:
            page = page_of(
                records.filter(asked.condition()),
                ordering=("-at", "-id"),
                cursor=request.GET.get("cursor"),
                limit=ROWS,
            )
        except BadCursor as error:
            raise BadRequest from error
        record_access(
            request=request,
            actor=request.user,
            action=AccessAction.SEARCH,
            object_type="audit.accessrecord",
            customer_id=asked.cleaned_data["customer"],
            row_count=len(page.rows),
            reason=asked.as_reason(),
            at=timezone.now(),
        )
    response = render(request, "audit/index.html", {"form": asked, "page": page})
    response["Cache-Control"] = "no-store"
    return response
