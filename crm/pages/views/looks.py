"""Who looked at a customer: for those who oversee, and as an answer to the customer."""

from collections.abc import Iterator

from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from crm.pages.views.customer import record_look
from crm.platform.access.masking import FIELD_NAMES
from crm.platform.access.models import OrgUnit
from crm.platform.access.requests import StaffRequest
from crm.platform.audit.forms import LookFilter
from crm.platform.audit.models import AccessAction, AccessRecord
from crm.platform.audit.selectors import looks_at
from crm.platform.audit.services import record_access
from crm.platform.csv_text import csv_of
from crm.platform.keyset import BadCursor, KeysetPage, page_of
from crm.platform.ui.templatetags.crm_ui import role_name
from customers.models import Customer

ROWS = 50
EXPORTED_AT_MOST = 20_000
SHORTEST_REASON = 4
LONGEST_REASON = 200
LOOKED_AT: dict[str, str | Promise] = {
    "customers.customer": _("the customer's page"),
    "customers.customer.changes": _("what changed"),
    "customers.customer.characteristics": _("what the files say"),
    "customers.customer.completeness": _("what is missing"),
    "customers.customer.consents": _("consents and preferences"),
    "customers.customer.contacts": _("contacts"),
    "customers.customer.correction": _("a correction"),
    "customers.customer.duplicate": _("a possible duplicate"),
    "customers.customer.line": _("the number of a line"),
    "customers.customer.lines": _("lines"),
    "customers.customer.looks": _("who looked"),
    "customers.customer.medium": _("a way to reach them"),
    "customers.customer.merge": _("a merge"),
    "customers.customer.name": _("the name"),
    "customers.customer.past": _("the customer's page as it was"),
    "customers.customer.preferences": _("consents and preferences"),
}


@never_cache
@login_required
@permission_required("audit.view_look", raise_exception=True)
@require_safe
def looks(request: StaffRequest, number: str) -> HttpResponse:
    """Show who looked at the customer, newest first; this look is one of them the next time."""
    customer = _visible(request, number)
    asked = LookFilter(request.GET)
    page = KeysetPage([], None, None)
    if asked.is_valid():
        try:
            page = page_of(
                looks_at(customer_id=customer.pk, staff=request.user).filter(asked.condition()),
                ordering=("-at", "-id"),
                cursor=request.GET.get("cursor"),
                limit=ROWS,
            )
        except BadCursor as error:
            raise BadRequest from error
        record_look(request, customer, [], part="looks", rows=len(page.rows))
    return _page(request, customer, asked, page)


@never_cache
@login_required
@permission_required(("audit.view_every_look", "audit.export_look"), raise_exception=True)
@require_POST
def export(request: StaffRequest, number: str) -> HttpResponse:
    """
    Answer the customer who asks who looked at them: a CSV file of what the filter lets through,
    staff by code and hall. Needs a reason, and is itself an act that is written down.
    """
    customer = _visible(request, number)
    asked = LookFilter(request.POST)
    reason = request.POST.get("reason", "").strip()[:LONGEST_REASON]
    if sum(character.isalnum() for character in reason) < SHORTEST_REASON:
        refusal = gettext("Say how the customer asked: the reason is kept with your name.")
        return _refused(request, customer, asked, refusal)
    if not asked.is_valid():
        return _refused(request, customer, asked, "")
    found = looks_at(customer_id=customer.pk, staff=request.user).filter(asked.condition())
    rows = list(found[: EXPORTED_AT_MOST + 1])
    if len(rows) > EXPORTED_AT_MOST:
        refusal = gettext("These are more than %(most)d looks: choose a shorter time.")
        return _refused(request, customer, asked, refusal % {"most": EXPORTED_AT_MOST})
    record_access(
        request=request,
        actor=request.user,
        action=AccessAction.EXPORT,
        object_type="customers.customer.looks",
        object_id=customer.number,
        customer_id=customer.pk,
        row_count=len(rows),
        reason=f"{reason} {asked.as_reason()}".strip(),
        at=timezone.now(),
    )
    name = "".join(character for character in customer.number if character.isalnum())
    return HttpResponse(
        csv_of(_lines(rows)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="looks-{name}.csv"'},
    )


def _lines(rows: list[AccessRecord]) -> Iterator[list[object]]:
    yield [
        gettext("When"), gettext("Staff code"), gettext("Role"), gettext("Hall"),
        gettext("Action"), gettext("Result"), gettext("What"), gettext("Fields"),
        gettext("Rows"), gettext("Reason"),
    ]  # fmt: skip
    for row in rows:
        yield [
            timezone.localtime(row.at).isoformat(timespec="seconds"),
            row.staff.staff_code if row.staff else "",
            ", ".join(role_name(code) for code in row.role_codes),
            _hall(row.org) if row.org else "",
            row.get_action_display(),
            row.get_result_display(),
            str(_what(row)),
            ", ".join(str(FIELD_NAMES.get(name, name)) for name in row.field_classes),
            row.row_count,
            row.reason,
        ]


def _what(look: AccessRecord) -> str | Promise:
    if look.action == AccessAction.SEARCH and look.object_type == "customers.customer":
        return _("a search that opened them")
    return LOOKED_AT.get(look.object_type, look.object_type)


def _hall(org: OrgUnit) -> str:
    return org.name_en if get_language() == "en" and org.name_en else org.name


def _refused(
    request: StaffRequest, customer: Customer, asked: LookFilter, refusal: str
) -> HttpResponse:
    return _page(request, customer, asked, KeysetPage([], None, None), refusal, status=409)


def _page(
    request: StaffRequest,
    customer: Customer,
    asked: LookFilter,
    page: KeysetPage,
    refusal: str = "",
    *,
    status: int = 200,
) -> HttpResponse:
    context = {
        "customer": customer,
        "form": asked,
        "page": page,
        "looks": [(row, _what(row)) for row in page.rows],
        "may_export": request.user.has_perms(("audit.view_every_look", "audit.export_look")),
        "sees_everybody": request.user.has_perm("audit.view_every_look"),
        "refusal": refusal,
        "reason": request.POST.get("reason", ""),
    }
    return render(request, "customers/looks.html", context, status=status)


def _visible(request: StaffRequest, number: str) -> Customer:
    visible = Customer.objects.visible_to(request.user).select_related("party")
    return get_object_or_404(visible, number=number)
