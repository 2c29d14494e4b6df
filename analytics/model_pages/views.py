"""The churn models: all of them, each of them, and what may be done with one."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from analytics import services
from analytics.features.dates import sources_present
from analytics.features.registry import all_features
from analytics.model_pages import figures
from analytics.model_pages.charts import charts_of, rest_of_importance
from analytics.model_pages.forms import TrainForm
from analytics.model_pages.words import feature_names, leaks_of, named, suspects, written
from analytics.models import ChurnModel
from analytics.selectors import ModelOutdated, trained_features
from crm.platform.access.models import Staff
from crm.platform.access.requests import StaffRequest
from crm.platform.errors import DomainError
from crm.platform.jobs.services import start_once
from crm.platform.keyset import BadCursor, page_of

TRAIN = "analytics.train_churn"
SCORE = "analytics.score_churn"
ROWS = 50
RUNS = 10
_WHO = ("trained_by", "activated_by", "retired_by")
_WHAT_SCORES = ("booster", "calibration", "baseline")
_WHAT_A_LIST_LEAVES_OUT = (*_WHAT_SCORES, "features", "curves", "importance", "parameters")

may_see = permission_required("analytics.view_churnmodel", raise_exception=True)
may_train = permission_required("analytics.train_churnmodel", raise_exception=True)
may_activate = permission_required("analytics.activate_churnmodel", raise_exception=True)


@never_cache
@login_required
@may_see
@require_safe
def index(request: StaffRequest) -> HttpResponse:
    models = ChurnModel.objects.defer(*_WHAT_A_LIST_LEAVES_OUT).select_related("trained_by")
    try:
        page = page_of(
            models,
            ordering=["-trained_at", "-id"],
            cursor=request.GET.get("cursor"),
            limit=ROWS,
        )
    except BadCursor as error:
        raise BadRequest from error
    return render(request, "analytics/models.html", {"page": page})


@never_cache
@login_required
@may_see
@require_safe
def model(request: StaffRequest, version: str) -> HttpResponse:
    shown = get_object_or_404(
        ChurnModel.objects.defer(*_WHAT_SCORES).select_related(*_WHO), version=version
    )
    names = feature_names()
    context = {
        "model": shown,
        "measures": figures.measures(shown),
        "sources": figures.sources_of(shown),
        "best_auc": figures.best_reachable(shown),
        "estimator": written(shown.metrics.get("estimator", "")),
        "held_out": written(shown.metrics.get("held_out", "")),
        "outdated": _outdated(shown),
        "not_activated": written(shown.metrics.get("not_activated", "")),
        "leaks": leaks_of(shown, names),
        "constant": named(shown.metrics.get("constant", []), names),
        "charts": charts_of(shown, names) if shown.curves else {},
        "rest": rest_of_importance(shown),
        "runs": shown.runs.all()[:RUNS],
    }
    return render(request, "analytics/model.html", context)


@never_cache
@login_required
@may_train
@require_http_methods(["GET", "HEAD", "POST"])
def train(request: StaffRequest) -> HttpResponse:
    sources = sorted(sources_present())
    form = TrainForm(
        request.POST if request.method == "POST" else None,
        sources=sources,
        suspects=suspects(feature_names()),
        initial={"allowed": request.GET.getlist("allow")},
    )
    if form.is_valid():
        return _to_job(TRAIN, form.params(), actor=request.user)
    context = {"form": form, "sources": sources}
    status = 422 if form.is_bound else 200
    return render(request, "analytics/model_train.html", context, status=status)


@login_required
@may_train
@require_POST
def score(request: StaffRequest, version: str) -> HttpResponse:
    get_object_or_404(ChurnModel.objects.only("pk"), version=version)
    return _to_job(SCORE, {"version": version}, actor=request.user)


@login_required
@may_activate
@require_POST
def activate(request: StaffRequest, version: str) -> HttpResponse:
    done = _("Model %(version)s is the one that scores from now on.")
    return _moved(request, version, services.activate_model, done)


@login_required
@may_activate
@require_POST
def retire(request: StaffRequest, version: str) -> HttpResponse:
    done = _("Model %(version)s is retired. The scores that it gave stay.")
    return _moved(request, version, services.retire_model, done)


def _outdated(shown: ChurnModel) -> str:
    """Return why a model can score no more; "" if it can."""
    try:
        trained_features(shown, all_features())
    except ModelOutdated as refusal:
        return str(refusal)
    return ""


def _moved(
    request: StaffRequest, version: str, move: Callable[..., ChurnModel], done: str
) -> HttpResponse:
    found = get_object_or_404(ChurnModel.objects.only("pk"), version=version)
    try:
        move(model_id=found.pk, actor=request.user, at=timezone.now())
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done % {"version": version})
    return redirect("analytics:model", version)


def _to_job(kind: str, params: dict[str, Any], *, actor: Staff) -> HttpResponse:
    """Start a job and go to it; asked for twice, go to the one that is open."""
    job = start_once(kind=kind, params=params, actor=actor, at=timezone.now())
    return redirect("jobs:detail", job.pk)
