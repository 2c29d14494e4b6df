"""Notes on a customer: written, put right by their author, found on the desk of who is named."""

from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm.pages.serving import contact_of_act
from crm.pages.views.customer import visible_customer
from crm.pages.views.timeline import timeline_context
from crm.platform.access.models import Staff
from crm.platform.access.requests import StaffRequest
from customers.models import Note
from customers.services import NoteRefused, edit_note, mark_mention_seen, write_note

COLLEAGUES = 8
SHORTEST_QUERY = 1

writes = permission_required(
    ("customers.view_customer", "customers.add_note"), raise_exception=True
)


@never_cache
@login_required
@writes
@require_POST
def write(request: StaffRequest, number: str) -> HttpResponse:
    """Write a note; answers the timeline with it on top, or with the refusal and what was typed."""
    customer, now = visible_customer(request, number), timezone.now()
    typed, refusal = request.POST.get("text", ""), ""
    try:
        contact = contact_of_act(staff=request.user, customer=customer, is_here=False, at=now)
        write_note(
            customer=customer, author=request.user, text=typed, interaction_id=contact, at=now
        )
    except NoteRefused as refused:
        refusal = str(refused)
    if not refusal and not request.htmx:
        return redirect(f"{reverse('pages:customer', args=[number])}#timeline")
    context = timeline_context(request, customer)
    context |= {"typed": typed if refusal else "", "refusal": refusal}
    template = "_timeline" if request.htmx else "timeline"
    status = 409 if refusal else 200
    return render(request, f"customers/{template}.html", context, status=status)


@never_cache
@login_required
@writes
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    """Ask for the new words of one's own note (GET), and keep them (POST)."""
    customer = visible_customer(request, number)
    note = get_object_or_404(Note, pk=pk, customer=customer, author=request.user)
    context = {"customer": customer, "note": note, "typed": note.text, "refusal": ""}
    status = 200
    if request.method == "POST":
        text = request.POST.get("text", "")
        try:
            edit_note(note_id=pk, author=request.user, text=text, at=timezone.now())
            return redirect(f"{reverse('pages:customer', args=[number])}#timeline")
        except NoteRefused as refused:
            context |= {"typed": text, "refusal": str(refused)}
            status = 409
    return render(request, "customers/note_edit.html", context, status=status)


@never_cache
@login_required
@writes
@require_safe
def colleagues(request: StaffRequest) -> HttpResponse:
    """Answer the colleagues of one's own organisation whose code or name begins so."""
    asked = request.GET.get("q", "").strip()[:40]
    rows = Staff.objects.none()
    if len(asked) >= SHORTEST_QUERY and request.user.org is not None:
        root = request.user.org.path.split("/")[0]
        rows = Staff.objects.filter(
            Q(staff_code__istartswith=asked) | Q(name__startswith=asked),
            is_active=True,
            is_system=False,
            org__path__startswith=f"{root}/",
        ).order_by("staff_code", "pk")
    return render(request, "customers/_colleagues.html", {"staff": rows[:COLLEAGUES]})


@never_cache
@login_required
@require_POST
def seen(request: StaffRequest, pk: int) -> HttpResponse:
    """Take a mention off one's desk."""
    mark_mention_seen(mention_id=pk, staff=request.user, at=timezone.now())
    return redirect("pages:home")
