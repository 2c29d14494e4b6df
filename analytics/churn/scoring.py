"""
Scoring: read a range of customers, look their margins up, keep three reasons each; then, once
the deciles of the whole base are known, write range by range.

Both passes go over ranges of customers in a few threads: the database, the lookups and the
writing overlap, and only one range a thread is in memory whole. What is kept between the passes
is 47 bytes a subscriber.
"""

import io
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

import numpy as np
import xgboost
from django.db import connection
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from analytics.churn.compiled import CompiledTrees
from analytics.churn.curve import Curve
from analytics.churn.rows import score_rows
from analytics.features import dates
from analytics.features.matrix import FeatureReader
from analytics.features.registry import all_features
from analytics.features.sql import AsOf
from analytics.features.statistics import refresh_statistics
from analytics.models import ChurnModel, ScoringRun
from analytics.selectors import model_to_score_with, trained_features
from analytics.services import begin_scoring, finish_scoring
from crm.platform.locks import alone
from customers.services import record_churn_scores

THREADS = 2
REASONS = 3
DECILES = 10
_LOCK_SPACE = 0x53434F52

Progress = Callable[[int, int, str], None]
Done = TypeVar("Done")
Task = TypeVar("Task")


@dataclass(frozen=True)
class Scored:
    """One range of customers after the first pass. `features` are columns, −1 where none."""

    first_customer: int
    end_customer: int
    subscriber_ids: NDArray[np.int64]
    customer_ids: NDArray[np.int64]
    margins: NDArray[np.float32]
    features: NDArray[np.int8]
    values: NDArray[np.float32]
    contributions: NDArray[np.float32]


class Scorer:
    """A stored model, ready to score. :raises ModelOutdated: if a feature is read otherwise now."""

    def __init__(self, model: ChurnModel) -> None:
        booster = xgboost.Booster()
        booster.load_model(bytearray(model.booster))
        self.features = trained_features(model, all_features())
        self.vocabularies = [stored["vocabulary"] for stored in model.features]
        self.trees = CompiledTrees(
            booster,
            [
                len(words) if feature.is_category else 0
                for feature, words in zip(self.features, self.vocabularies, strict=True)
            ],
        )
        self.curve = Curve.from_json(model.calibration)

    def reader(self, day: date, sources: Sequence[str]) -> FeatureReader:
        return FeatureReader(self.features, self.vocabularies, AsOf(day), sources)

    def score(self, reader: FeatureReader, first_customer: int, end_customer: int) -> Scored:
        matrix = reader.read(first_customer, end_customer)
        contributions = self.trees.explain(matrix.values)
        margins = contributions.sum(axis=0) + np.float32(self.trees.bias)
        features, heights = raising_most(contributions)
        rows = np.arange(len(matrix))[:, None]
        values = matrix.values[rows, np.maximum(features, 0)]
        return Scored(
            first_customer,
            end_customer,
            matrix.subscriber_ids,
            matrix.customer_ids,
            margins,
            features,
            values,
            heights,
        )


def raising_most(
    contributions: NDArray[np.float32],
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """The columns that raise each row's margin most, and by how much; −1 where none is left."""
    left = contributions.T.copy()
    rows = np.arange(len(left))
    features = np.empty((len(left), REASONS), np.int8)
    heights = np.empty((len(left), REASONS), np.float32)
    for place in range(REASONS):
        best = left.argmax(axis=1)
        heights[:, place] = left[rows, best]
        features[:, place] = np.where(heights[:, place] > 0, best, -1)
        left[rows, best] = -np.inf
    return features, heights


def deciles_begin(margins: NDArray[np.float32]) -> NDArray[np.float32]:
    """The margins from which deciles 1 to 9 begin; decile 1 is the tenth most likely to leave."""
    ordered = np.sort(margins)[::-1]
    ends = np.ceil(np.arange(1, DECILES) * len(ordered) / DECILES).astype(int) - 1
    return ordered[ends]


def score(
    *,
    as_of: date | None = None,
    sources: Sequence[str] = (),
    version: str = "",
    at: datetime,
    progress: Progress,
    threads: int = THREADS,
) -> dict[str, Any]:
    """
    Score every subscriber live on a day with the active model, or with the one named.

    The same day scored again is replaced, one scoring after the other.

    :raises NoModel: if no model covers those sources.
    :raises NoData: if there is no day to score.
    :raises ModelOutdated: if the features are no longer read as they were for the model.
    """
    model = model_to_score_with(sources=sources, version=version)
    chosen = list(sources or model.sources)
    day = as_of or dates.day_to_score(dates.sights(chosen, today=at.date()))

    def tell_why_nothing_moves() -> None:
        progress(0, 1, _("Waiting for another scoring of the same day"))

    # Two at once would each replace what the other writes, and leave a base of which nobody
    # can say who was in its riskiest tenth.
    with alone(_LOCK_SPACE, day.toordinal(), while_waiting=tell_why_nothing_moves):
        return _score_day(model, day, chosen, at, progress, threads)


def _score_day(
    model: ChurnModel,
    day: date,
    chosen: Sequence[str],
    at: datetime,
    progress: Progress,
    threads: int,
) -> dict[str, Any]:
    begun = time.monotonic()
    refresh_statistics()
    scorer = Scorer(model)
    run = begin_scoring(model_id=model.pk, as_of=day, sources=chosen, at=at)
    parts = _first_pass(scorer, scorer.reader(day, chosen), threads, progress)
    scored = sum(len(part.margins) for part in parts)
    if not scored:
        raise dates.NoData(_("Nobody was a subscriber on %(day)s.") % {"day": day})
    thresholds = deciles_begin(np.concatenate([part.margins for part in parts]))

    def write(part: Scored) -> int:
        return _write(part, scorer, thresholds, run, model.version, chosen)

    for done, _written in enumerate(_spread(write, parts, threads), start=1):
        progress(len(parts) + done, 2 * len(parts), _("Writing the scores"))
    seconds = time.monotonic() - begun
    finish_scoring(
        run_id=run.pk,
        scored=scored,
        thresholds=thresholds.tolist(),
        at=at + timedelta(seconds=seconds),
    )
    return {
        "estimator": model.metrics["estimator"],
        "model": model.version,
        "as_of": str(day),
        "sources": list(chosen),
        "scored": scored,
        "seconds": round(seconds, 2),
        "rows_per_second": round(scored / seconds),
    }


def _first_pass(
    scorer: Scorer, reader: FeatureReader, threads: int, progress: Progress
) -> list[Scored]:
    ranges = reader.ranges()
    parts: list[Scored] = []
    for part in _spread(lambda bounds: scorer.score(reader, *bounds), ranges, threads):
        parts.append(part)
        progress(len(parts), 2 * len(ranges), _("Working out who will leave"))
    return parts


def _write(
    part: Scored,
    scorer: Scorer,
    thresholds: NDArray[np.float32],
    run: ScoringRun,
    version: str,
    sources: Sequence[str],
) -> int:
    deciles = 1 + (part.margins[:, None] < thresholds).sum(axis=1)
    probabilities = scorer.curve(part.margins)
    codes = [feature.code for feature in scorer.features]
    rows = score_rows(part, codes, scorer.vocabularies, probabilities, deciles)
    head, tail = f"{run.as_of}\t", f"\t{version}\t{run.started_at.isoformat()}\n"
    return record_churn_scores(
        as_of=run.as_of,
        first_customer=part.first_customer,
        end_customer=part.end_customer,
        sources=sources,
        rows=io.StringIO("".join(f"{head}{row}{tail}" for row in rows)),
    )


def _spread(work: Callable[[Task], Done], tasks: Sequence[Task], threads: int) -> Iterator[Done]:
    """
    Do the tasks in a few threads and give each result as it comes; in this thread if there is
    only one. A few at a time are handed out, so that cancelling does not wait for all.
    """
    if threads == 1 or len(tasks) == 1:
        yield from map(work, tasks)
        return

    def in_thread(task: Task) -> Done:
        try:
            return work(task)
        finally:
            connection.close()

    waiting: set[Future[Done]] = set()
    with ThreadPoolExecutor(threads) as pool:
        for task in tasks:
            waiting.add(pool.submit(in_thread, task))
            if len(waiting) > threads:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (one.result() for one in done)
        for one in waiting:
            yield one.result()
