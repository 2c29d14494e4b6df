"""`/duplicates/`: pairs that may be one customer, one beside the other, and merges to undo."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from crm.platform.access.masking import FieldClass
from crm.platform.access.requests import StaffRequest
from crm.platform.audit.models import AccessAction
from crm.platform.audit.services import record_access
from crm.platform.errors import DomainError
from crm.platform.jobs.services import start_once
from crm.platform.keyset import BadCursor, page_of
from customers.merging.candidates import reject_candidate
from customers.merging.comparing import candidate_for, classes_compared, compare
from customers.merging.evidence import LABELS
from customers.merging.fields import BY_NAME
from customers.merging.merge import merge_customers
from customers.merging.undo import UNDO_WITHIN, undo_merge
from customers.models import CandidateStatus, CustomerMerge, DuplicateCandidate

ROWS = 25
SIDES = ("left", "right")


@never_cache
@login_required
@permission_required("customers.review_duplicates", raise_exception=True)
@require_safe
def queue(request: StaffRequest) -> HttpResponse:
    """The pairs within reach, the likeliest first; `?status=` and `?shares=` narrow them."""
    status = request.GET.get("status", CandidateStatus.OPEN)
    shares = request.GET.get("shares", "")
    if status not in CandidateStatus.values or (shares and shares not in LABELS):
        raise BadRequest
    pairs = DuplicateCandidate.objects.visible_to(request.user).filter(status=status)
    if shares:
        pairs = pairs.filter(evidence__has_key=shares)
    pairs = pairs.select_related("left__party", "right__party", "left__home_org", "decided_by")
    cursor = request.GET.get("cursor")
    try:
        page = page_of(pairs, ordering=("-score", "-id"), cursor=cursor, limit=ROWS)
    except BadCursor as error:
        raise BadRequest from error
    _record_list(request, "customers.duplicates", len(page.rows))
    for pair in page.rows:
        pair.shared = [LABELS[kind] for kind in LABELS if kind in pair.evidence]
    context = {
        "page": page,
        "status": status,
        "shares": shares,
        "statuses": CandidateStatus.choices,
        "labels": LABELS,
    }
    return render(request, "customers/duplicates.html", context)


@never_cache
@login_required
@permission_required("customers.review_duplicates", raise_exception=True)
@require_safe
def pair(request: StaffRequest, pk: int) -> HttpResponse:
    """Two customers side by side."""
    return _pair_page(request, _found(request, pk))


def _pair_page(
    request: StaffRequest, found: DuplicateCandidate, *, refusal: str = "", status: int = 200
) -> HttpResponse:
    comparison = compare(left=found.left, right=found.right)
    for customer in (found.left, found.right):
        record_access(
            request=request,
            actor=request.user,
            action=AccessAction.VIEW,
            object_type="customers.customer.duplicate",
            object_id=customer.number,
            customer_id=customer.pk,
            field_classes=classes_compared(comparison),
            at=timezone.now(),
        )
    context = {
        "pair": found,
        "comparison": comparison,
        "shared": [
            (LABELS[kind], found.evidence[kind]) for kind in LABELS if kind in found.evidence
        ],
        "refusal": refusal,
        "is_open": found.status == CandidateStatus.OPEN,
        "most_counted": 10_000,
    }
    return render(request, "customers/duplicate.html", context, status=status)


@login_required
@permission_required("customers.merge_customer", raise_exception=True)
@require_POST
def merge(request: StaffRequest, pk: int) -> HttpResponse:
    """Merge the pair: `survivor` is the side that stays, each field names the side it is from."""
    found = _found(request, pk)
    side = request.POST.get("survivor", "")
    if side not in SIDES:
        raise BadRequest
    survivor, absorbed = found.left, found.right
    if side == "right":
        survivor, absorbed = absorbed, survivor
    other = "right" if side == "left" else "left"
    try:
        merge_customers(
            survivor_id=survivor.pk,
            absorbed_id=absorbed.pk,
            take=[name for name in BY_NAME if request.POST.get(name) == other],
            actor=request.user,
            at=timezone.now(),
            reason=request.POST.get("reason", ""),
        )
    except DomainError as error:
        return _pair_page(request, found, refusal=str(error), status=409)
    said = _("%(absorbed)s is now part of %(survivor)s. It can be undone for 30 days.")
    messages.success(request, said % {"absorbed": absorbed.number, "survivor": survivor.number})
    return _next(request, found)


@login_required
@permission_required("customers.merge_customer", raise_exception=True)
@require_POST
def reject(request: StaffRequest, pk: int) -> HttpResponse:
    """Decide that the pair are two customers."""
    found = _found(request, pk)
    try:
        reject_candidate(
            candidate_id=found.pk,
            actor=request.user,
            at=timezone.now(),
            reason=request.POST.get("reason", ""),
        )
    except DomainError as error:
        return _pair_page(request, found, refusal=str(error), status=409)
    messages.success(request, _("These stay two customers. The pair comes back if more is found."))
    return _next(request, found)


@login_required
@permission_required("customers.merge_customer", raise_exception=True)
@require_POST
def search(request: StaffRequest) -> HttpResponse:
    """Look for duplicates among all customers, in the background."""
    job = start_once(
        kind="customers.find_duplicates", params={}, actor=request.user, at=timezone.now()
    )
    if request.user.has_perm("jobs.view_job"):
        return redirect("jobs:detail", job.pk)
    messages.success(request, _("The search has begun; new pairs appear here."))
    return redirect("merging:queue")


@never_cache
@login_required
@permission_required("customers.review_duplicates", raise_exception=True)
@require_safe
def merges(request: StaffRequest) -> HttpResponse:
    """The merges within reach, newest first."""
    return _merges_page(request)


def _merges_page(request: StaffRequest, *, refusal: str = "", status: int = 200) -> HttpResponse:
    rows = CustomerMerge.objects.visible_to(request.user).select_related(
        "survivor__party", "absorbed__party", "merged_by", "undone_by"
    )
    try:
        page = page_of(rows, ordering=("-id",), cursor=request.GET.get("cursor"), limit=ROWS)
    except BadCursor as error:
        raise BadRequest from error
    _record_list(request, "customers.merges", len(page.rows))
    now = timezone.now()
    for row in page.rows:
        row.undo_until = row.merged_at + UNDO_WITHIN
        row.can_be_undone = row.undone_at is None and now < row.undo_until
    context = {"page": page, "refusal": refusal}
    return render(request, "customers/merges.html", context, status=status)


@login_required
@permission_required("customers.merge_customer", raise_exception=True)
@require_POST
def undo(request: StaffRequest, pk: int) -> HttpResponse:
    """Make two customers again of a merge."""
    found = get_object_or_404(
        CustomerMerge.objects.visible_to(request.user).select_related("absorbed"), pk=pk
    )
    try:
        undo_merge(merge_id=found.pk, actor=request.user, at=timezone.now())
    except DomainError as error:
        return _merges_page(request, refusal=str(error), status=409)
    said = _("The merge is undone: %(number)s is a customer of their own again.")
    messages.success(request, said % {"number": found.absorbed.number})
    return redirect("merging:merges")


def _found(request: StaffRequest, pk: int) -> DuplicateCandidate:
    """:raises Http404: for a pair of which one half is not the account's to see."""
    try:
        return candidate_for(staff=request.user, pk=pk)
    except DuplicateCandidate.DoesNotExist as error:
        raise Http404 from error


def _next(request: StaffRequest, done: DuplicateCandidate) -> HttpResponse:
    """Go on with the next likely pair, or back to the list."""
    waiting = DuplicateCandidate.objects.visible_to(request.user).open()
    following = waiting.filter(score__lte=done.score).exclude(pk=done.pk)
    found = following.order_by("-score", "-pk").first()
    return redirect("merging:pair", found.pk) if found else redirect("merging:queue")


def _record_list(request: StaffRequest, kind: str, rows: int) -> None:
    record_access(
        request=request,
        actor=request.user,
        action=AccessAction.VIEW,
        object_type=kind,
        field_classes=[FieldClass.PERSON_NAME] if rows else [],
        row_count=rows,
        at=timezone.now(),
    )
