"""Exports of lists: ask, watch, fetch."""

from uuid import UUID

from django.contrib.auth.decorators import login_required, permission_required
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from crm.platform.access.requests import StaffRequest
from crm.platform.errors import DomainError
from crm.platform.jobs.models import Job
from customers.lists.reading import COUNT_TO, count_of_list
from customers.lists.wanted import from_saved
from customers.models import ListExport, ListKind
from customers.services import exports
from customers.views.lists import chips_of, may_list, url_of
from customers.views.saved_views import wanted_or_400

may_export = permission_required(exports.PERMISSION, raise_exception=True)


@never_cache
@login_required
@may_list
@may_export
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: StaffRequest, kind: ListKind) -> HttpResponse:
    """Say what the file would hold, ask what it is for, and start it."""
    wanted = wanted_or_400(kind, request)
    refusal = None
    if request.method == "POST":
        reason = request.POST.get("reason", "")
        try:
            export = exports.start_export(
                wanted=wanted, reason=reason, actor=request.user, at=timezone.now()
            )
        except DomainError as error:
            refusal = error
        else:
            return redirect("customers:export", export_id=export.pk)
    context = {
        "wanted": wanted,
        "url": url_of(kind),
        "query": wanted.query(),
        "chips": chips_of(wanted),
        "count": count_of_list(staff=request.user, wanted=wanted, today=timezone.localdate()),
        "most": COUNT_TO,
        "refusal": refusal,
        "hours": exports.KEPT.total_seconds() / 3600,
    }
    status = 409 if refusal else 200
    return render(request, "customers/lists/export_new.html", context, status=status)


@never_cache
@login_required
@may_list
@may_export
@require_safe
def export(request: StaffRequest, export_id: UUID) -> HttpResponse:
    found = _visible(request, export_id)
    context = {
        "export": found,
        "job": Job.objects.filter(pk=found.job_id).first() if found.job_id else None,
        "url": url_of(ListKind(found.kind)),
        "is_expired": timezone.now() >= found.expires_at,
    }
    return render(request, "customers/lists/export.html", context)


@never_cache
@login_required
@may_list
@may_export
@require_safe
def file(request: StaffRequest, export_id: UUID) -> HttpResponseBase:
    """Send the file; that it was fetched is written down before the first byte leaves."""
    found, now = _visible(request, export_id), timezone.now()
    try:
        path = exports.file_of(export=found, staff=request.user, at=now)
    except DomainError as error:
        context = {"export": found, "refusal": error, "url": url_of(ListKind(found.kind))}
        return render(request, "customers/lists/export.html", context, status=409)
    exports.record_export(found, from_saved(found), at=now, request=request)
    name = f"{found.kind}-{timezone.localtime(found.created_at):%Y%m%d-%H%M}.csv"
    return FileResponse(
        path.open("rb"), as_attachment=True, filename=name, content_type="text/csv; charset=utf-8"
    )


def _visible(request: StaffRequest, export_id: UUID) -> ListExport:
    return get_object_or_404(ListExport.objects.visible_to(request.user), pk=export_id)
