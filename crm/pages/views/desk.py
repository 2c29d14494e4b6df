"""The first page of each role."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from crm.pages.desk import DESKS
from crm.pages.desk.panel import Panel
from crm.platform.access.models import Role
from crm.platform.access.requests import StaffRequest


@never_cache
@login_required
@require_safe
def home(request: StaffRequest) -> HttpResponse:
    """Show the desk of the account's role, or of all its roles one after the other."""
    roles = list(Role.objects.filter(group__user=request.user).order_by("pk"))
    panels = dict.fromkeys(panel for role in roles for panel in DESKS.get(role.code, []))
    now = timezone.now()
    answers = [(panel, panel.ask(request, now)) for panel in panels if _may(request, panel)]
    context: dict[str, Any] = {
        "roles": roles,
        "panels": [{"panel": panel, **answer} for panel, answer in answers if answer is not None],
    }
    return render(request, "pages/home.html", context)


def _may(request: StaffRequest, panel: Panel) -> bool:
    return not panel.permission or request.user.has_perm(panel.permission)
