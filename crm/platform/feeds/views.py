"""Data intake as pages: what came in, what became of it, and a new file."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm.platform.access.models import Staff
from crm.platform.errors import DomainError
from crm.platform.feeds import intake
from crm.platform.feeds.batch_page import context_of
from crm.platform.feeds.definition import feed_named, known_feeds
from crm.platform.feeds.exports import may_export, rejects_response
from crm.platform.feeds.forms import MappingForm, UploadForm
from crm.platform.feeds.models import Batch, BatchStatus
from crm.platform.feeds.selectors import batches_visible_to, job_of
from crm.platform.feeds.uploads import FeedUploadHandler, announces_too_much, too_large
from crm.platform.keyset import BadCursor, page_of

ROWS = 25


@never_cache
@login_required
@permission_required("feeds.view_batch", raise_exception=True)
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Every batch, newest first; of one feed with `?feed=`."""
    feed = request.GET.get("feed", "")
    batches = batches_visible_to(_staff(request))
    if feed:
        batches = batches.filter(feed=feed)
    try:
        page = page_of(batches, ordering=["-id"], cursor=request.GET.get("cursor"), limit=ROWS)
    except BadCursor as error:
        raise BadRequest from error
    context = {"page": page, "feeds": known_feeds(), "feed": feed}
    return render(request, "feeds/index.html", context)


@csrf_exempt  # the token is checked below, when the file has a place to go
@never_cache
@login_required
@permission_required("feeds.add_batch", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponseBase:
    """A form for a new file. Whose length is too much is refused before a byte is read."""
    if request.method != "POST":
        form = UploadForm(initial={"feed": request.GET.get("feed", "")})
        return render(request, "feeds/new.html", {"form": form})
    if announces_too_much(request):
        context = {"form": UploadForm(), "refusal": too_large()}
        return render(request, "feeds/new.html", context, status=413)
    request.upload_handlers = [FeedUploadHandler(request)]
    return _received(request)


@csrf_protect
def _received(request: HttpRequest) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        status = 413 if form.has_error("file", "too_large") else 400
        return render(request, "feeds/new.html", {"form": form}, status=status)
    now = timezone.now()
    upload = form.cleaned_data["file"]
    try:
        batch = intake.take_in(
            feed=form.cleaned_data["feed"], upload=upload, actor=_staff(request), at=now
        )
        name, text = form.chosen()
        intake.set_mapping(batch_id=batch.pk, name=name, text=text)
    except DomainError as refusal:
        context = {"form": form, "refusal": str(refusal)}
        return render(request, "feeds/new.html", context, status=409)
    return redirect("feeds:batch", batch.number)


@never_cache
@login_required
@permission_required("feeds.view_batch", raise_exception=True)
@require_safe
def batch(request: HttpRequest, number: str) -> HttpResponse:
    """One batch as it stands: its preview, its progress, or what became of it."""
    found = _visible(request, number)
    if request.headers.get("HX-Request") == "true":
        return _progress(request, found)
    return _page(request, found)


def _progress(request: HttpRequest, found: Batch) -> HttpResponse:
    job = job_of(found)
    if job is None or job.is_finished:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "feeds/_working.html", {"batch": found, "job": job})


@login_required
@permission_required("feeds.add_batch", raise_exception=True)
@require_POST
def mapping(request: HttpRequest, number: str) -> HttpResponse:
    """Read the received file another way."""
    found = _visible(request, number)
    form = MappingForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form=form, status=400)
    name, text = form.chosen()
    return _do(request, found, intake.set_mapping, name=name, text=text)


@login_required
@permission_required("feeds.add_batch", raise_exception=True)
@require_POST
def run(request: HttpRequest, number: str) -> HttpResponse:
    """Start the dry run or the import, or go on with an interrupted one."""
    found, dry_run = _visible(request, number), request.POST.get("dry_run") == "yes"
    return _do(request, found, intake.start_run, dry_run=dry_run, **_who_when(request))


@login_required
@permission_required("feeds.add_batch", raise_exception=True)
@require_POST
def stop(request: HttpRequest, number: str) -> HttpResponse:
    """Cancel what waits, runs or was interrupted: whoever started it, or may undo batches."""
    found, staff = _visible(request, number), _staff(request)
    if found.created_by_id != staff.pk and not staff.has_perm("feeds.undo_batch"):
        raise PermissionDenied
    return _do(request, found, intake.stop, **_who_when(request))


@login_required
@permission_required("feeds.add_batch", raise_exception=True)
@require_POST
def again(request: HttpRequest, number: str) -> HttpResponse:
    """Take the same file once more; `run=import` starts it at once."""
    found = _visible(request, number)
    try:
        repeated = intake.repeat(batch_id=found.pk, **_who_when(request))
    except DomainError as refusal:
        return _page(request, found, refusal=str(refusal), status=409)
    if request.POST.get("run") == "import":
        return _do(request, repeated, intake.start_run, dry_run=False, **_who_when(request))
    return redirect("feeds:batch", repeated.number)


@never_cache
@login_required
@permission_required("feeds.undo_batch", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def undo(request: HttpRequest, number: str) -> HttpResponse:
    """Say what undoing would do, then do it."""
    found = _visible(request, number)
    if request.method == "POST":
        return _do(request, found, intake.start_undo, **_who_when(request))
    if found.status != BatchStatus.APPLIED:
        return redirect("feeds:batch", found.number)
    feed = feed_named(found.feed)
    return render(request, "feeds/undo.html", {"batch": found, "feed": feed})


@never_cache
@login_required
@permission_required("feeds.view_batch", raise_exception=True)
@require_safe
def rejects(request: HttpRequest, number: str) -> HttpResponseBase:
    """The rejected rows as they came, for whoever sent them and who works on rejects."""
    found, staff = _visible(request, number), _staff(request)
    if not may_export(staff, found):
        raise PermissionDenied
    return rejects_response(request=request, staff=staff, batch=found)


def _do(request: HttpRequest, found: Batch, act: Any, **given: Any) -> HttpResponse:
    """Do one thing to a batch and go back to its page; a refusal is said there."""
    try:
        act(batch_id=found.pk, **given)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("feeds:batch", found.number)


def _page(
    request: HttpRequest,
    found: Batch,
    *,
    form: MappingForm | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    context = context_of(request=request, staff=_staff(request), batch=found)
    if form is not None:
        context["form"] = form
    return render(request, "feeds/batch.html", context | {"refusal": refusal}, status=status)


def _who_when(request: HttpRequest) -> dict[str, Any]:
    return {"actor": _staff(request), "at": timezone.now()}


def _visible(request: HttpRequest, number: str) -> Batch:
    related = ("created_by", "undone_by", "duplicate_of", "corrects")
    batches = batches_visible_to(_staff(request)).select_related(*related)
    return get_object_or_404(batches, number=number)


def _staff(request: HttpRequest) -> Staff:
    assert isinstance(request.user, Staff)
    return request.user
