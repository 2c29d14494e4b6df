"""
Analytics' background work.

The web process imports this module too, so what learns and scores (scikit-learn, xgboost: a
second and 200 MB) is imported by the job that runs, in its worker.
"""

from collections.abc import Sequence
from datetime import date
from importlib import import_module
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from analytics.metrics.refreshing import JOB, refresh_metrics
from crm.platform.jobs.registry import JobContext, job


@job(
    JOB,
    queue="bulk",
    label=_("Counting the dashboards' figures"),
    result_labels={"figures": _("Figures counted")},
)
def count_metrics(context: JobContext) -> dict[str, Any]:
    rows = refresh_metrics(at=context.at, today=timezone.localdate(context.at))
    return {"figures": rows}


@job("analytics.train_churn", queue="bulk", label=_("Training a churn model"))
def train_churn(
    context: JobContext,
    *,
    as_of: str = "",
    horizon_days: int = 30,
    sources: Sequence[str] = (),
    seed: int = 0,
    allowed: Sequence[str] = (),
) -> dict[str, Any]:
    """Days as "YYYY-MM-DD", "" for the latest; `allowed` are features despite the leak alarm."""
    training = import_module("analytics.churn.training")
    request = training.Request(
        as_of=date.fromisoformat(as_of) if as_of else None,
        horizon_days=horizon_days,
        sources=sources,
        seed=seed,
        allowed=allowed,
    )
    model = training.train(request, actor=context.actor, at=context.at, progress=context.progress)
    return {
        "model": model.version,
        "status": model.status,
        "auc": model.metrics["auc"],
        "baseline_auc": model.metrics["baseline_auc"],
        "rows": model.metrics["rows"],
        "seconds": model.metrics["seconds"],
    }


@job("analytics.score_churn", queue="bulk", label=_("Scoring who will leave"))
def score_churn(
    context: JobContext, *, as_of: str = "", sources: Sequence[str] = (), version: str = ""
) -> dict[str, Any]:
    """Score with the active model, or the one named; "" for the latest day with data."""
    scoring = import_module("analytics.churn.scoring")
    answer: dict[str, Any] = scoring.score(
        as_of=date.fromisoformat(as_of) if as_of else None,
        sources=sources,
        version=version,
        at=context.at,
        progress=context.progress,
    )
    return answer


@job("analytics.learn", queue="bulk", label=_("A first model, its scores and the dashboards"))
def learn(context: JobContext) -> dict[str, Any]:
    """What a new operator's data allow at once, so that no page of theirs is empty."""
    count_metrics(context)
    trained = train_churn(context) or {}
    return {**trained, **(score_churn(context, version=trained["model"]) or {})}
