"""What happens to models: trained, activated, retired."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from analytics.events import CHURN_SCORED, MODEL_ACTIVATED, MODEL_RETIRED
from analytics.models import ChurnModel, ModelStatus, ScoringRun, version_of
from crm.platform.access.models import Staff
from crm.platform.events.outbox import publish

_WORSE_BY = 0.02
_LIFE = ["status", "activated_at", "activated_by", "retired_at", "retired_by", "updated_at"]


@transaction.atomic
def record_trained_model(
    *,
    as_of: date,
    horizon_days: int,
    sources: Sequence[str],
    actor: Staff | None,
    at: datetime,
    metrics: dict[str, Any],
    **learned: Any,
) -> ChurnModel:
    """
    Write a new model down, and make it active unless there is a reason not to.

    The reason, if any, stays in `metrics["not_activated"]`: it covers fewer sources than an
    active model, or one of the same sources was better by more than 0.02 of AUC.
    """
    _take_turns()
    number = ChurnModel.objects.filter(as_of=as_of).count() + 1
    active = _active_for(sources)
    model = ChurnModel(
        version=version_of(as_of, number),
        as_of=as_of,
        horizon_days=horizon_days,
        sources=list(sources),
        trained_by=actor,
        trained_at=at,
        metrics=metrics | {"not_activated": _why_not(metrics, sources, active)},
        **learned,
    )
    model.save()
    if not model.metrics["not_activated"]:
        _activate(model, instead_of=active, actor=actor, at=at)
    return model


def _active_for(sources: Sequence[str]) -> list[ChurnModel]:
    """Return the active models that score any of these sources."""
    active = ChurnModel.objects.select_for_update().filter(status=ModelStatus.ACTIVE)
    return [model for model in active if set(model.sources) & set(sources)]


def _why_not(metrics: dict[str, Any], sources: Sequence[str], active: list[ChurnModel]) -> str:
    for model in active:
        if set(sources) < set(model.sources):
            return "covers fewer sources than the active model"
        is_worse = model.metrics["auc"] - metrics["auc"] > _WORSE_BY
        if set(sources) == set(model.sources) and is_worse:
            return "worse than the active model"
    return ""


@transaction.atomic
def activate_model(*, model_id: int, actor: Staff, at: datetime) -> ChurnModel:
    """
    Make a model the one that scores its sources; those that scored any of them retire.

    :raises IllegalMove: if it is active already.
    """
    _take_turns()
    model = ChurnModel.objects.select_for_update().get(pk=model_id)
    _activate(model, instead_of=_active_for(model.sources), actor=actor, at=at)
    return model


@transaction.atomic
def retire_model(*, model_id: int, actor: Staff, at: datetime) -> ChurnModel:
    """
    Take a model out of use. Scores that it gave stay, and say which model gave them.

    :raises IllegalMove: if it is retired already.
    """
    _take_turns()
    model = ChurnModel.objects.select_for_update().get(pk=model_id)
    _retire(model, actor=actor, at=at)
    return model


def _take_turns() -> None:
    """
    Let no other transaction move a model before this one ends: whoever only waits for the row
    of the active model does not see which one is active afterwards.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('analytics.churn_model'))")


def _activate(
    model: ChurnModel, *, instead_of: list[ChurnModel], actor: Staff | None, at: datetime
) -> None:
    model.move_to(ModelStatus.ACTIVE, actor=actor, at=at)
    for other in instead_of:
        _retire(other, actor=actor, at=at)
    model.save(update_fields=_LIFE)
    publish(MODEL_ACTIVATED, at=at, actor=actor, model=model.version)


def _retire(model: ChurnModel, *, actor: Staff | None, at: datetime) -> None:
    model.move_to(ModelStatus.RETIRED, actor=actor, at=at)
    model.save(update_fields=_LIFE)
    publish(MODEL_RETIRED, at=at, actor=actor, model=model.version)


def begin_scoring(
    *, model_id: int, as_of: date, sources: Sequence[str], at: datetime
) -> ScoringRun:
    return ScoringRun.objects.create(
        model_id=model_id, as_of=as_of, sources=list(sources), started_at=at
    )


@transaction.atomic
def finish_scoring(
    *, run_id: int, scored: int, thresholds: Sequence[float], at: datetime
) -> ScoringRun:
    """Close a run, and tell whoever waits for new scores."""
    run = ScoringRun.objects.select_for_update().select_related("model").get(pk=run_id)
    run.scored, run.thresholds, run.finished_at = scored, list(thresholds), at
    run.save(update_fields=["scored", "thresholds", "finished_at", "updated_at"])
    publish(CHURN_SCORED, at=at, as_of=str(run.as_of), model=run.model.version, scored=scored)
    return run
