"""Saved views of lists: keeping one, renaming, sharing, deleting, opening with it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from crm.platform.access.requests import StaffRequest
from crm.platform.errors import DomainError
from customers.lists.wanted import Wanted, from_address, from_saved
from customers.models import DefaultView, ListKind, SavedView
from customers.services import saved_views
from customers.services.saved_views import Sharing, sharing_offered
from customers.views.lists import chips_of, may_list, url_of


@never_cache
@login_required
@may_list
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: StaffRequest, kind: ListKind) -> HttpResponse:
    """Ask under what name to keep the list that the address describes, and keep it."""
    wanted = wanted_or_400(kind, request)
    if request.method == "POST":
        try:
            view = saved_views.save_view(
                wanted=wanted,
                name=request.POST.get("name", ""),
                sharing=Sharing.parse(request.POST.get("sharing", ""), request.user),
                actor=request.user,
            )
        except DomainError as error:
            return _form(request, wanted, None, refusal=error)
        return redirect(f"{url_of(kind)}?view={view.pk}")
    return _form(request, wanted, None)


@never_cache
@login_required
@may_list
@require_http_methods(["GET", "HEAD", "POST"])
def view(request: StaffRequest, view_id: int) -> HttpResponse:
    """Show one view: what it asks, and for its owner its name and with whom it is shared."""
    found = _visible(request, view_id)
    refusal = None
    if request.method == "POST":
        try:
            sharing = Sharing.parse(request.POST.get("sharing", ""), request.user)
            saved_views.change_view(
                view_id=_own(request, view_id).pk,
                name=request.POST.get("name", ""),
                sharing=sharing,
                actor=request.user,
            )
        except DomainError as error:
            refusal = error
        else:
            messages.success(request, _("The view was changed."))
            return redirect(f"{url_of(ListKind(found.kind))}?view={found.pk}")
    try:
        wanted = from_saved(found)
    except DomainError as error:  # a field that it names is gone
        refusal = refusal or error
        wanted = from_address(ListKind(found.kind), QueryDict())
    return _form(request, wanted, found, refusal=refusal)


@login_required
@may_list
@require_POST
def delete(request: StaffRequest, view_id: int) -> HttpResponse:
    found = _own(request, view_id)
    saved_views.delete_view(view_id=found.pk, actor=request.user)
    messages.success(request, _("The view “%(name)s” was deleted.") % {"name": found.name})
    return redirect(f"{url_of(ListKind(found.kind))}?view=all")


@login_required
@may_list
@require_POST
def default(request: StaffRequest, view_id: int) -> HttpResponse:
    """Let the list open with this view, or (`off`) no longer."""
    found = _visible(request, view_id)
    is_default = "off" not in request.POST
    saved_views.set_default(view_id=found.pk, actor=request.user, is_default=is_default)
    said = (
        _("The list opens with “%(name)s” now.") if is_default else _("The list opens plain now.")
    )
    messages.success(request, said % {"name": found.name} if is_default else said)
    return redirect(f"{url_of(ListKind(found.kind))}?view={found.pk}")


def wanted_or_400(kind: ListKind, request: StaffRequest) -> Wanted:
    """
    Return the list that the address describes.

    :raises BadRequest: for an address that no page of ours writes.
    """
    try:
        wanted = from_address(kind, request.GET)
        wanted.check()
    except DomainError as error:
        raise BadRequest(str(error)) from error
    return wanted


def _visible(request: StaffRequest, view_id: int) -> SavedView:
    return get_object_or_404(SavedView.objects.visible_to(request.user).distinct(), pk=view_id)


def _own(request: StaffRequest, view_id: int) -> SavedView:
    return get_object_or_404(SavedView, pk=view_id, owner=request.user)


def _form(
    request: StaffRequest,
    wanted: Wanted,
    found: SavedView | None,
    *,
    refusal: DomainError | None = None,
) -> HttpResponse:
    context: dict[str, Any] = {
        "wanted": wanted,
        "view": found,
        "url": url_of(wanted.kind),
        "chips": chips_of(wanted),
        "refusal": refusal,
        "is_own": found is None or found.owner_id == request.user.pk,
        "offered": sharing_offered(request.user),
        "name": request.POST.get("name", found.name if found else ""),
        "sharing": request.POST.get("sharing", _sharing_of(found)),
        "is_default": DefaultView.objects.filter(staff=request.user, view=found).exists(),
    }
    return render(request, "customers/lists/view.html", context, status=409 if refusal else 200)


def _sharing_of(found: SavedView | None) -> str:
    if found is None or not found.is_shared:
        return ""
    return f"org:{found.org.code}" if found.org else f"role:{found.role and found.role.code}"
