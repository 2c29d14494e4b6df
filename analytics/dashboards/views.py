"""The dashboards, and the rows behind each of their figures."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from analytics.dashboards.charts import chart_of, figure_of, label_of
from analytics.metrics.definitions import METRICS, RISK, Shape
from analytics.metrics.reading import Choice, Point, Series, all_series, choices
from analytics.metrics.refreshing import JOB
from analytics.metrics.rows import rows_behind
from crm.platform.access.models import OrgUnit
from crm.platform.access.requests import StaffRequest
from crm.platform.audit.models import AccessAction
from crm.platform.audit.services import record_access
from crm.platform.jobs.services import start_once

may_see = permission_required("analytics.view_metric", raise_exception=True)


@never_cache
@login_required
@may_see
@require_safe
def dashboards(request: StaffRequest) -> HttpResponse:
    cities, sources = choices()
    choice = _choice(request, cities, sources)
    found = all_series(choice)
    tiles = [_tile(series, choice) for series in found.values()]
    context = {
        "tiles": tiles,
        "cities": cities,
        "sources": sources,
        "choice": choice,
        "is_empty": not any(series.points for series in found.values()),
    }
    return render(request, "analytics/dashboards.html", context)


@login_required
@may_see
@require_POST
def refresh(request: StaffRequest) -> HttpResponse:
    job = start_once(kind=JOB, params={}, actor=request.user, at=timezone.now())
    return redirect("jobs:detail", job_id=job.pk)


@never_cache
@login_required
@may_see
@require_safe
def rows(request: StaffRequest, code: str) -> HttpResponse:
    if code not in METRICS:
        raise Http404
    choice = _choice(request, *choices())
    series = all_series(choice)[code]
    point = _point(series, request)
    try:
        page = rows_behind(
            code=code,
            month=point.month,
            bucket=point.bucket,
            choice=choice,
            staff=request.user,
            after=request.GET.get("after", ""),
        )
    except ValueError:
        raise Http404 from None
    seen = [row for row in page.rows if row.customer is not None]
    if seen:
        record_access(
            request=request,
            actor=request.user,
            action=AccessAction.SEARCH,
            object_type="dashboard rows",
            object_id=f"{code} {point.month}",
            field_classes=["person_name"],
            row_count=len(seen),
            at=timezone.now(),
        )
    context = {
        "metric": series.metric,
        "label": label_of(point, code),
        "point": point,
        "figure": _figure(point.value, series.metric.shape),
        "page": page,
        "next_url": _link(code, point, choice, after=page.next_key) if page.next_key else "",
        "series": series,
        "choice": choice,
    }
    return render(request, "analytics/dashboard_rows.html", context)


def _tile(series: Series, choice: Choice) -> dict[str, Any]:
    metric, latest = series.metric, series.latest
    is_risk = metric.code == RISK
    total = sum(point.numerator for point in series.points) if is_risk else None
    figure = total if is_risk else latest and _figure(latest.value, metric.shape)
    return {
        "metric": metric,
        "figure": figure,
        "is_money": metric.shape == Shape.MONEY,
        "change": None if is_risk else series.change,
        "latest": latest,
        "label": f"{latest.month:%Y-%m-%d}" if is_risk and latest else "",
        "month": f"{latest.month:%Y-%m}" if latest and not is_risk else "",
        "refreshed_at": series.refreshed_at,
        "chart": chart_of(series, lambda p: _link(metric.code, p, choice)) if latest else None,
    }


def _figure(value: float | None, shape: Shape) -> float | None:
    return value if shape == Shape.MONEY else figure_of(value, shape)


def _choice(request: StaffRequest, cities: list[OrgUnit], sources: list[str]) -> Choice:
    wanted = request.GET.get("city"), request.GET.get("source")
    city = next((city for city in cities if city.code == wanted[0]), None)
    return Choice(city, wanted[1] if wanted[1] in sources else None)


def _point(series: Series, request: StaffRequest) -> Point:
    """Return the bar that the address names; no such bar is no such page."""
    try:
        month = date.fromisoformat(request.GET.get("month", ""))
        bucket = int(request.GET.get("bucket", "0"))
    except ValueError:
        raise Http404 from None
    for point in series.points:
        if (point.month, point.bucket) == (month, bucket):
            return point
    raise Http404


def _link(code: str, point: Point, choice: Choice, *, after: str = "") -> str:
    asked = {
        "month": point.month.isoformat(),
        "bucket": point.bucket or None,
        "city": choice.city and choice.city.code,
        "source": choice.source,
        "after": after or None,
    }
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    return f"{reverse('analytics:dashboard-rows', args=[code])}?{query}"
