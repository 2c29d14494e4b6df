"""Customers, lines and accounts as lists: filters, columns, orders, pages, counts."""

import time
from functools import partial
from typing import Any
from urllib.parse import quote

from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from crm.platform.access.requests import StaffRequest
from crm.platform.audit.models import AccessAction
from crm.platform.audit.services import record_access
from crm.platform.errors import DomainError
from crm.platform.keyset import BadCursor
from customers.filters import BadFilter, Condition, names_of_units, sentence
from customers.lists.budget import OverBudget
from customers.lists.cells import cell, class_of, is_number, row_html
from customers.lists.definitions import LISTS
from customers.lists.forms import condition_from_form, form_for, groups_of
from customers.lists.reading import COUNT_TO, ListPage, count_of_list, page_of_list
from customers.lists.wanted import Wanted, from_address, from_saved
from customers.models import DefaultView, ListKind, SavedView
from customers.services.bulk import actions_of
from customers.services.exports import PERMISSION as EXPORT

MOST_TABS, COUNTING_SECONDS = 60, 2.0
PLAIN = "all"
"""`?view=` of a list without any view, for those who have a default one."""

may_list = permission_required("customers.list_customer", raise_exception=True)


@never_cache
@login_required
@may_list
@require_safe
def list_page(request: StaffRequest, kind: ListKind) -> HttpResponse:
    """Show a page of a list. What cannot be asked is said above the unfiltered list."""
    view = _view(request, kind)
    if view is not None and request.GET.keys() == set():
        return redirect(f"{request.path}?view={view.pk}")
    wanted, refusal = _wanted(request, kind, view)
    form = None
    if (added := request.GET.get("add", "")) in wanted.fields:
        form = form_for(wanted.fields[added], request.GET, request.user)
        if "op" in request.GET and not refusal:
            given = wanted.with_condition(condition_from_form(wanted.fields[added], request.GET))
            refusal = _refusal_of(request, given)
            if not refusal:
                return redirect(f"{request.path}?{given.query()}")
    if len(request.GET.getlist("cols")) > 1:
        return redirect(f"{request.path}?{wanted.query(view=request.GET.get('view', ''))}")
    page, wanted, refusal = _page(request, wanted, refusal)
    _record(request, wanted, page)
    context = _context(request, wanted, page, view) | {"refusal": refusal, "form": form}
    return render(request, "customers/list.html", context, status=400 if refusal else 200)


customers = partial(list_page, kind=ListKind.CUSTOMERS)
subscribers = partial(list_page, kind=ListKind.SUBSCRIBERS)
accounts = partial(list_page, kind=ListKind.ACCOUNTS)


@never_cache
@login_required
@may_list
@require_safe
def count(request: StaffRequest, kind: ListKind) -> HttpResponse:
    """Answer how many rows match, up to a thousand: a fragment that comes after the page."""
    try:
        wanted = from_address(kind, request.GET)
        found = count_of_list(staff=request.user, wanted=wanted, today=timezone.localdate())
    except DomainError as error:
        raise BadRequest(str(error)) from error
    return render(request, "customers/lists/_count.html", {"count": found, "most": COUNT_TO})


@never_cache
@login_required
@may_list
@require_safe
def view_tabs(request: StaffRequest, kind: ListKind) -> HttpResponse:
    """Answer the tabs of the saved views, each with its count, as many as two seconds allow."""
    views, until = views_of(request, kind), time.monotonic() + COUNTING_SECONDS
    for view in views:
        counts = time.monotonic() < until
        view.count = _count_of_view(request, view) if counts else None  # type: ignore[attr-defined]
    known = {"", PLAIN} | {str(view.pk) for view in views}
    here = named if (named := request.GET.get("view", PLAIN)) in known else ""
    context = {"views": views, "here": here, "kind": kind, "url": url_of(kind), "most": COUNT_TO}
    return render(request, "customers/lists/_views.html", context)


def url_of(kind: ListKind) -> str:
    return reverse(f"customers:{ListKind(kind).value}")


def views_of(request: StaffRequest, kind: ListKind) -> list[SavedView]:
    return list(SavedView.objects.visible_to(request.user).filter(kind=kind).distinct()[:MOST_TABS])


def _view(request: StaffRequest, kind: ListKind) -> SavedView | None:
    """Return the view that the address names, or the default one where it names nothing."""
    named = request.GET.get("view", "")
    visible = SavedView.objects.visible_to(request.user).filter(kind=kind).distinct()
    if named.isascii() and named.isdigit() and len(named) < 19:
        return visible.filter(pk=int(named)).first()
    if request.GET:
        return None
    default = DefaultView.objects.filter(staff=request.user, kind=kind)
    return visible.filter(pk__in=default.values("view")).first()


def _wanted(
    request: StaffRequest, kind: ListKind, view: SavedView | None
) -> tuple[Wanted, DomainError | None]:
    try:
        asked = from_address(kind, request.GET)
        has_own = bool(asked.conditions or asked.columns or asked.order_name)
        return (asked if has_own or view is None else from_saved(view)), None
    except DomainError as error:
        return Wanted(kind, from_address(kind, request.GET.__class__()).fields), error


def _refusal_of(request: StaffRequest, wanted: Wanted) -> DomainError | None:
    try:
        wanted.rows(request.user, today=timezone.localdate())
    except BadFilter as error:
        return error
    return None


def _page(
    request: StaffRequest, wanted: Wanted, refusal: DomainError | None
) -> tuple[ListPage, Wanted, DomainError | None]:
    """Read the page; conditions that cannot be asked are left out and said."""
    cursor, today = request.GET.get("cursor"), timezone.localdate()
    read = partial(page_of_list, staff=request.user, cursor=cursor, today=today)
    try:
        return read(wanted=wanted), wanted, refusal
    except BadCursor as error:
        raise BadRequest(_("This page of the list is not known. Begin at its first.")) from error
    except BadFilter as error:
        plain = Wanted(wanted.kind, wanted.fields, (), wanted.columns, wanted.order_name)
        return (
            page_of_list(staff=request.user, wanted=plain, cursor=None, today=today),
            plain,
            error,
        )
    except OverBudget:
        said = _("The list took too long to answer. Ask for less: one unit, one kind, one period.")
        return ListPage([], None, None), wanted, refusal or DomainError(said)


def _record(request: StaffRequest, wanted: Wanted, page: ListPage) -> None:
    """One access row for the page: which fields were asked about, never with what value."""
    masked = [field for field in wanted.shown if field.mask]
    record_access(
        request=request,
        actor=request.user,
        action=AccessAction.VIEW,
        object_type=f"customers.list.{wanted.kind.value}",
        object_id="+".join(condition.key for condition in wanted.conditions),
        field_classes={class_of(field, row) for field in masked for row in page.rows},
        row_count=len(page.rows),
        at=timezone.now(),
    )


def _context(
    request: StaffRequest, wanted: Wanted, page: ListPage, view: SavedView | None
) -> dict[str, Any]:
    url = url_of(wanted.kind)
    return {
        "wanted": wanted,
        "lists": LISTS.values(),
        "kind": wanted.kind,
        "url": url,
        "rows": table_rows(wanted, page),
        "numbers": {field.name for field in wanted.shown if is_number(field)},
        "page": page,
        "query": wanted.query(),
        "count_query": wanted.query(),
        "chips": chips_of(wanted),
        "groups": groups_of(wanted.fields),
        "column_groups": groups_of({n: f for n, f in wanted.fields.items() if f.path}),
        "chosen_columns": [field.name for field in wanted.shown],
        "orders": [(o, f"{url}?{_sorted(wanted, o.name)}") for o in wanted.definition.orders],
        "views": views_of(request, wanted.kind),
        "here": str(view.pk) if view else "" if wanted.conditions else PLAIN,
        "may_change": wanted.kind == ListKind.CUSTOMERS and bool(actions_of(request.user)),
        "may_export": request.user.has_perm(EXPORT),
    }


def table_rows(wanted: Wanted, page: ListPage) -> list[SafeString]:
    """Return the rows of the page as HTML; each opens its customer."""
    number, fields = f"{wanted.definition.to_customer}number", wanted.shown
    customers = url_of(ListKind.CUSTOMERS)  # a page opens below its list; reversing is slow
    return [
        row_html(
            [cell(field, row) for field in fields],
            f"{customers}{quote(row[number], safe='')}/",
        )
        for row in page.rows
    ]


def _sorted(wanted: Wanted, order: str) -> str:
    return Wanted(wanted.kind, wanted.fields, wanted.conditions, wanted.columns, order).query()


def chips_of(wanted: Wanted) -> list[tuple[Condition, str, str]]:
    """Return each condition with its sentence and the address of the list without it."""
    units = names_of_units(list(wanted.conditions), wanted.fields)
    url = url_of(wanted.kind)
    return [
        (one, sentence(one, wanted.fields, units=units), _without(url, wanted, one))
        for one in wanted.conditions
    ]


def _without(url: str, wanted: Wanted, condition: Condition) -> str:
    return f"{url}?{wanted.query(without=condition) or f'view={PLAIN}'}"


def _count_of_view(request: StaffRequest, view: SavedView) -> int | None:
    """None for a view that takes too long, or whose fields are no longer there."""
    try:
        wanted = from_saved(view)
        return count_of_list(staff=request.user, wanted=wanted, today=timezone.localdate())
    except DomainError:
        return None
