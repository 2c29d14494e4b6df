"""Training: read, look for leaks, measure on held-out rows, fit on all, write down."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
import xgboost
from django.utils.translation import gettext as _

from analytics.churn import baseline, dataset, holdout, leaks
from analytics.churn.dataset import Dataset
from analytics.churn.estimator import PARAMETERS, ChurnEstimator
from analytics.features import dates
from analytics.features.definition import Feature
from analytics.features.digest import digest_of
from analytics.features.matrix import subscribers_on, vocabularies
from analytics.features.registry import all_features
from analytics.features.sql import AsOf
from analytics.features.statistics import refresh_statistics
from analytics.models import ChurnModel
from analytics.services import record_trained_model
from crm.platform.access.models import Staff
from crm.platform.errors import DomainError

log = logging.getLogger(__name__)

LEAST_POSITIVES = 50
DAYS_LEARNED = 6
ROWS_LEARNED = 600_000  # further back only as long as there are fewer
ESTIMATOR = "xgboost depth-2 trees, calibrated"
_EXPLAINED = 5000

Progress = Callable[[int, int, str], None]


class CannotTrain(DomainError):
    """The data do not allow a model: the sentence says why."""

    code = "cannot_train"


@dataclass(frozen=True)
class Request:
    """What to train. Whatever is left open is chosen from the data."""

    as_of: date | None = None
    horizon_days: int = 30
    sources: Sequence[str] = ()
    seed: int = 0
    leak_threshold: float = leaks.THRESHOLD
    allowed: Sequence[str] = ()


@dataclass
class Findings:
    """What training found out, on its way into a ChurnModel."""

    metrics: dict[str, Any] = field(default_factory=dict)
    leaks: list[dict[str, Any]] = field(default_factory=list)


def _silent(done: int, total: int, message: str) -> None:
    """Nobody watches."""


def train(
    request: Request, *, actor: Staff | None, at: datetime, progress: Progress = _silent
) -> ChurnModel:
    """
    Train a churn model and write it down.

    :raises NoData: if no day can be learned from.
    :raises CannotTrain: with fewer than 50 leavers, or none who stays.
    """
    begun = time.monotonic()
    day, days = _days(request, today=at.date())
    progress(0, 100, _("Reading features"))
    refresh_statistics()
    features = all_features()
    sources = sorted({source for _day, names in days for source in names})
    words = vocabularies(features, at=AsOf(day, request.horizon_days), sources=sources)
    rows = dataset.load(features, words, days=days, horizon_days=request.horizon_days)
    _check(rows, request)

    findings = Findings()
    progress(20, 100, _("Looking for leaks"))
    rows = _without_useless(rows, findings)
    rows = _without_leaks(rows, request, findings)
    checked = _measured(rows, request, findings, progress)
    progress(85, 100, _("Fitting on all rows"))
    estimator = ChurnEstimator(rows.categories, request.seed).fit_trees(rows.values, rows.labels)
    estimator.fit_curve(checked.margins, rows.labels[checked.rows])
    plain_model = baseline.make(rows.categories).fit(rows.values, rows.labels)

    findings.metrics |= {
        "days": [str(one) for one, _names in days],
        "seconds": round(time.monotonic() - begun, 2),
    }
    words_of = {f.code: words for f, words in zip(features, words, strict=True)}
    model = record_trained_model(
        as_of=day,
        horizon_days=request.horizon_days,
        sources=sources,
        actor=actor,
        at=at,
        parameters=_parameters(request),
        features=[_stored(feature, words_of[feature.code]) for feature in rows.features],
        leaks=findings.leaks,
        metrics=findings.metrics,
        curves=holdout.curves(rows, checked),
        importance=_importance(estimator, rows, request.seed),
        booster=bytes(estimator.trees_.get_booster().save_raw("ubj")),
        calibration=estimator.curve_.to_json(),
        baseline=baseline.coefficients(plain_model, [f.code for f in rows.features]),
    )
    progress(100, 100, _("Trained"))
    return model


def _measured(
    rows: Dataset, request: Request, findings: Findings, progress: Progress
) -> holdout.Checked:
    """Measure the estimator and its baseline on rows they did not see."""

    def tell(fold: int, folds: int) -> None:
        progress(35 + 45 * fold // folds, 100, _("Measuring on held-out rows"))

    checked = holdout.held_out(rows, seed=request.seed, tell=tell)
    findings.metrics |= holdout.measures(rows, checked)
    findings.metrics |= {
        "out_of_time_auc": holdout.out_of_time_auc(rows, seed=request.seed, least=LEAST_POSITIVES),
        "estimator": ESTIMATOR,
        "rows": len(rows),
        "positives": rows.positives,
        "held_out": checked.how,
    }
    return checked


def _parameters(request: Request) -> dict[str, Any]:
    return {
        **PARAMETERS,
        "seed": request.seed,
        "leak_threshold": request.leak_threshold,
        "allowed": list(request.allowed),
        "xgboost": xgboost.__version__,
    }


def _days(request: Request, *, today: date) -> tuple[date, list[tuple[date, list[str]]]]:
    """The day to look from and those before it, each with its sources."""
    found = dates.sights(request.sources or None, today=today)
    day = request.as_of or dates.day_to_train(found, horizon_days=request.horizon_days)
    if day >= today:
        raise CannotTrain(
            _("The as-of date must lie in the past; %(day)s does not.") % {"day": day}
        )
    seen = [sight.source for sight in found if sight.day == day]
    sources = seen or list(request.sources) or dates.sources_present()
    enough = ROWS_LEARNED // max(1, subscribers_on(AsOf(day), sources))
    earlier = dates.earlier_days(
        found, before=day, horizon_days=request.horizon_days, most=min(enough, DAYS_LEARNED) - 1
    )
    return day, [(day, sources), *earlier]


def _check(rows: Dataset, request: Request) -> None:
    about = {
        "day": rows.days[0] if len(rows) else request.as_of,
        "days": request.horizon_days,
        "rows": len(rows),
        "leavers": rows.positives,
        "least": LEAST_POSITIVES,
    }
    if not len(rows):
        raise CannotTrain(_("Nobody was a subscriber on %(day)s.") % about)
    if rows.positives < LEAST_POSITIVES:
        raise CannotTrain(
            _(
                "Only %(leavers)s of %(rows)s subscribers left within %(days)s days of %(day)s;"
                " a model needs at least %(least)s. Choose an earlier day or a longer horizon."
            )
            % about
        )
    if rows.positives == len(rows):
        raise CannotTrain(
            _("All %(rows)s subscribers left; there is nobody to compare with.") % about
        )


def _without_useless(rows: Dataset, findings: Findings) -> Dataset:
    """Drop what has one value, or none, in every row."""
    useless = dataset.constant(rows.values)
    codes = [f.code for f, is_useless in zip(rows.features, useless, strict=True) if is_useless]
    findings.metrics["constant"] = codes
    if useless.all():
        raise CannotTrain(_("No feature differs between two subscribers."))
    return rows.without(codes)


def _without_leaks(rows: Dataset, request: Request, findings: Findings) -> Dataset:
    """
    Measure every feature alone, within each source that has enough leavers (between sources
    merely being known tells them apart), and drop those that know too much.
    """
    suspects: dict[str, float] = {}
    for source in np.unique(rows.sources):
        of_source = np.flatnonzero(rows.sources == source)
        labels = rows.labels[of_source]
        if not LEAST_POSITIVES <= labels.sum() <= len(labels) - LEAST_POSITIVES:
            continue
        here = of_source[leaks.sample_of(labels, seed=request.seed)]
        for n, feature in enumerate(rows.features):
            auc = leaks.alone(
                rows.values[here, n],
                rows.labels[here],
                is_category=feature.is_category,
                seed=request.seed,
            )
            if auc >= request.leak_threshold:
                suspects[feature.code] = max(auc, suspects.get(feature.code, 0))
    leaking = [code for code in suspects if code not in request.allowed]
    for code, auc in suspects.items():
        log.warning("feature %s alone has an AUC of %.3f: a leak?", code, auc)
        findings.leaks.append({"code": code, "auc": round(auc, 4), "excluded": code in leaking})
    if len(leaking) == len(rows.features):
        raise CannotTrain(_("Every feature knows the outcome; none is left to learn from."))
    return rows.without(leaking)


def _importance(estimator: ChurnEstimator, rows: Dataset, seed: int) -> list[dict[str, Any]]:
    """The mean absolute contribution (log-odds) of each feature, on a sample, largest first."""
    chosen = np.random.default_rng(seed).permutation(len(rows))[:_EXPLAINED]
    kinds = ["c" if is_category else "q" for is_category in rows.categories]
    sample = xgboost.DMatrix(rows.values[chosen], feature_types=kinds, enable_categorical=True)
    contributions = estimator.trees_.get_booster().predict(sample, pred_contribs=True)
    weights = np.abs(contributions[:, :-1]).mean(axis=0)
    return [
        {"code": rows.features[n].code, "weight": round(float(weights[n]), 6)}
        for n in np.argsort(-weights, kind="stable")
    ]


def _stored(feature: Feature, vocabulary: Sequence[str]) -> dict[str, Any]:
    return {
        "code": feature.code,
        "kind": str(feature.kind),
        "vocabulary": list(vocabulary),
        "definition": digest_of(feature),
    }
