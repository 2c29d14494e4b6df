"""Search. What is typed is personal data: it never stays in an address."""

import logging
import secrets
from typing import Any

from django.contrib.auth.decorators import login_required, permission_required
from django.core.cache import cache
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from redis.exceptions import RedisError

from crm.platform.access.masking import FieldClass
from crm.platform.access.requests import StaffRequest
from crm.platform.audit.models import AccessAction
from crm.platform.audit.services import record_access
from customers.models import Customer
from customers.search import fold
from customers.selectors import Found, customers_with_facts, find_customers

logger = logging.getLogger(__name__)

LONGEST = 60
REMEMBERED_SECONDS = 30 * 60
MATCHED_BY = {
    "customer": _("Customer number"),
    "account": _("Account number"),
    "subscriber": _("Subscriber number"),
    "identity": _("Identity document"),
    "phone": _("Phone number"),
    "tail": _("Last digits of a phone number"),
    "name": _("Name"),
    "pinyin": _("Name in pinyin"),
    "initials": _("Initials of the name"),
}


@never_cache
@login_required
@permission_required("customers.search_customer", raise_exception=True)
def search(request: StaffRequest) -> HttpResponse:
    """
    Find customers: POST with `q` (the search box), or GET with `q` (a link) or `s`.

    One hit by a whole number opens that customer. Otherwise a POST is answered by a redirect
    to `?s=…`, under which what was typed is kept for half an hour, for this account alone.
    """
    if request.method == "POST":
        text = request.POST.get("q", "")[:LONGEST].strip()
        whole = _find(request, text, whole_only=True)
        return _straight_to(request, text, whole) or _kept(request, text) or _page(request, text)
    if "s" in request.GET:
        return _page(request, _recall(request, request.GET["s"]))
    text = request.GET.get("q", "")[:LONGEST].strip()
    found = _find(request, text)
    return _straight_to(request, text, found) or _page(request, text, found)


def _find(request: StaffRequest, text: str, *, whole_only: bool = False) -> Found | None:
    if not fold(text):
        return None
    return find_customers(
        staff=request.user,
        text=text,
        by_name=request.user.has_perm("customers.search_customer_by_name"),
        whole_only=whole_only,
    )


def _straight_to(request: StaffRequest, text: str, found: Found | None) -> HttpResponse | None:
    """One hit by a whole number needs no list."""
    if found and found.is_exact and len(found.matches) == 1:
        _record(request, text, found, opened=found.matches[0].customer_id)
        return redirect("pages:customer", number=found.number)
    return None


def _record(request: StaffRequest, text: str, found: Found, *, opened: int | None = None) -> None:
    """What was typed may be a phone or a name, so the record tells it apart, not what it was."""
    kinds = "+".join(dict.fromkeys(match.kind for match in found.matches)) or "nothing"
    digest = salted_hmac("crm.pages.search", fold(text)).hexdigest()[:16]
    record_access(
        request=request,
        actor=request.user,
        action=AccessAction.SEARCH,
        object_type="customers.customer",
        object_id=f"{kinds}:{digest}",
        customer_id=opened,
        field_classes=[FieldClass.PERSON_NAME] if found.matches else [],
        row_count=len(found.matches),
        at=timezone.now(),
    )


def _kept(request: StaffRequest, text: str) -> HttpResponse | None:
    """Redirect to an address that does not tell, if the cache can keep what was typed."""
    token = secrets.token_hex(12)
    try:
        cache.set(_key(request, token), text, REMEMBERED_SECONDS)
    except RedisError:
        logger.warning("The cache is away: a search is answered without a redirect")
        return None
    return redirect(f"{reverse('pages:search')}?s={token}")


def _recall(request: StaffRequest, token: str) -> str | None:
    try:
        return cache.get(_key(request, token[:24]))
    except RedisError:
        logger.warning("The cache is away: a search cannot be shown again")
        return None


def _key(request: StaffRequest, token: str) -> str:
    return f"search:{request.user.pk}:{token}"


def _page(request: StaffRequest, text: str | None, found: Found | None = None) -> HttpResponse:
    """Show what was found; `text` None is a search too long ago to be remembered."""
    found = found or _find(request, text or "")
    if found:
        _record(request, text or "", found)
    context = {
        "text": text or "",
        "found": found,
        "groups": _groups(request, found) if found else [],
        "is_forgotten": text is None,
    }
    return render(request, "pages/search.html", context)


def _groups(request: StaffRequest, found: Found) -> list[dict[str, Any]]:
    """Group the matches by what matched, each customer with the facts that tell it apart."""
    pks = [match.customer_id for match in found.matches]
    customers = customers_with_facts(staff=request.user, pks=pks, at=timezone.now())
    grouped: dict[str, list[Customer]] = {}
    for match in found.matches:
        if match.customer_id in customers:
            grouped.setdefault(match.kind, []).append(customers[match.customer_id])
    return [{"title": MATCHED_BY[kind], "customers": rows} for kind, rows in grouped.items()]
