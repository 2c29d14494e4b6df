"""Background work as pages: what runs, how far it is, what came of it."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from crm.platform.access.models import Staff
from crm.platform.errors import DomainError
from crm.platform.jobs.models import Job
from crm.platform.jobs.services import request_cancel, retry_job
from crm.platform.keyset import BadCursor, page_of

ROWS = 50


@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """One's own jobs, newest first; everybody's for those who may see them."""
    jobs = Job.objects.visible_to(_staff(request)).select_related("created_by")
    if request.GET.get("open"):
        jobs = jobs.open()
    try:
        page = page_of(jobs, ordering=["-id"], cursor=request.GET.get("cursor"), limit=ROWS)
    except BadCursor as error:
        raise BadRequest from error
    context = {
        "page": page,
        "only_open": bool(request.GET.get("open")),
        "sees_all": _staff(request).has_perm("jobs.view_all"),
        "changes": any(not job.is_finished for job in page.rows),
    }
    return _answer(request, "jobs/_table.html", "jobs/index.html", context)


@login_required
@require_safe
def detail(request: HttpRequest, job_id: UUID) -> HttpResponse:
    job = _visible(request, job_id)
    return _answer(request, "jobs/_state.html", "jobs/detail.html", {"job": job})


@login_required
@require_POST
def cancel(request: HttpRequest, job_id: UUID) -> HttpResponse:
    job, refusal = _visible(request, job_id), ""
    try:
        job = request_cancel(job_id=job.pk, actor=_staff(request), at=timezone.now())
    except DomainError as exc:
        refusal = str(exc)
    return _after(request, job, refusal)


@login_required
@require_POST
def retry(request: HttpRequest, job_id: UUID) -> HttpResponse:
    job, refusal = _visible(request, job_id), ""
    try:
        job = retry_job(job_id=job.pk, actor=_staff(request), at=timezone.now())
    except DomainError as exc:
        refusal = str(exc)
    return _after(request, job, refusal)


def _after(request: HttpRequest, job: Job, refusal: str) -> HttpResponse:
    if request.headers.get("HX-Request") == "true":
        context = {"job": job, "refusal": refusal}
        return render(request, "jobs/_progress.html", context, status=409 if refusal else 200)
    if refusal:
        messages.error(request, refusal)
    return redirect("jobs:detail", job.pk)


def _answer(request: HttpRequest, fragment: str, page: str, context: dict) -> HttpResponse:
    is_htmx = request.headers.get("HX-Request") == "true"
    response = render(request, fragment if is_htmx else page, context)
    response["Vary"] = "HX-Request"
    response["Cache-Control"] = "no-store"
    return response


def _visible(request: HttpRequest, job_id: UUID) -> Job:
    return get_object_or_404(Job.objects.visible_to(_staff(request)), pk=job_id)


def _staff(request: HttpRequest) -> Staff:
    assert isinstance(request.user, Staff)
    return request.user
