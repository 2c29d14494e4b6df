"""
Scoring the whole base, beside what no scoring can do without: the feature rows out of the
database by binary COPY (from a table where they lie ready), a bare prediction of the tree
library on the ready matrix, and the score rows into the very same table by COPY.

The product works the features out, predicts, finds three exact reasons a row, ranks and
replaces, in a process of its own whose peak of memory is told. They take turns; the ratio is
the median of the rounds'.
"""

import io
import json
import resource
import statistics
import subprocess
import sys
import time
from datetime import date
from typing import Any

import numpy as np
import xgboost
from django.db import connection, transaction
from django.utils import timezone

from analytics.churn.scoring import Scorer
from analytics.churn.training import Request, train
from analytics.features.matrix import EVERYBODY
from analytics.features.sql import AsOf, feature_table
from analytics.models import ChurnModel
from customers.models import ChurnScore

ROUNDS = 3
_LAYOUT = (
    "as_of, subscriber_id, customer_id, probability, decile, reasons, model_version, scored_at"
)


class _Sink(io.RawIOBase):
    """Takes the bytes and forgets them."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return len(data)


def score_churn(*, customers: int) -> dict[str, Any]:
    """Seconds to score every subscriber of so many customers, with reasons."""
    model = ChurnModel.objects.first() or train(
        Request(), actor=None, at=timezone.now(), progress=_say
    )
    first = _product(model)
    day = date.fromisoformat(first["as_of"])
    scorer = Scorer(model)
    _lay_out_features(scorer, day, model)
    values = scorer.reader(day, model.sources).read_all().values
    kinds = ["c" if feature.is_category else "q" for feature in scorer.features]
    booster = xgboost.Booster()
    booster.load_model(bytearray(model.booster))
    scores = _scores(day)
    ours, bare = [], []
    for _round in range(ROUNDS):
        ours.append(_product(model)["seconds"])
        # A new matrix each time: the library remembers what it said of the old one.
        matrix = xgboost.DMatrix(values, feature_types=kinds, enable_categorical=True)
        bare.append(_bare(booster, matrix, day, scores))
    limit = statistics.median(sum(parts.values()) for parts in bare)
    ratio = statistics.median(
        one / sum(parts.values()) for one, parts in zip(ours, bare, strict=True)
    )
    return {
        "name": "score_churn",
        "value": round(statistics.median(ours), 3),
        "unit": "s",
        "limit": round(limit, 3),
        "ratio": round(ratio, 2),
        "customers": customers,
        "rows": len(values),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
        "limit_parts": {
            name: round(statistics.median(parts[name] for parts in bare), 3) for name in bare[0]
        },
        "features": len(scorer.features),
    }


def _say(done: int, total: int, message: str) -> None:
    print(f"{100 * done // total:3d} % {message}", file=sys.stderr, flush=True)


def _product(model: ChurnModel) -> dict[str, Any]:
    command = [sys.executable, "manage.py", "score_churn", "--model", model.version]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _lay_out_features(scorer: Scorer, day: date, model: ChurnModel) -> None:
    sql, parameters = feature_table(
        scorer.features, scorer.vocabularies, at=AsOf(day), sources=model.sources
    )
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_features")
        columns = ", ".join(f"c{n}" for n in range(len(scorer.features)))
        cursor.execute(
            f"CREATE UNLOGGED TABLE bench_features (subscriber, customer, label, {columns})"
            f" AS {sql}",
            parameters | EVERYBODY,
        )
        cursor.execute("VACUUM ANALYZE bench_features")


def _scores(day: date) -> str:
    buffer = io.StringIO()
    with connection.cursor() as cursor:
        cursor.copy_expert(
            f"COPY (SELECT {_LAYOUT} FROM customers_churnscore WHERE as_of = '{day}'"
            " ORDER BY customer_id, subscriber_id) TO STDOUT",
            buffer,
        )
    return buffer.getvalue()


def _bare(
    booster: xgboost.Booster, matrix: xgboost.DMatrix, day: date, scores: str
) -> dict[str, float]:
    parts = {}
    with connection.cursor() as cursor:
        begun = time.perf_counter()
        cursor.copy_expert("COPY bench_features TO STDOUT (FORMAT binary)", _Sink())
        parts["copy_out"] = time.perf_counter() - begun
        begun = time.perf_counter()
        margins = booster.predict(matrix, output_margin=True)
        parts["predict"] = time.perf_counter() - begun
        assert np.isfinite(margins).all()
        ChurnScore.objects.filter(as_of=day).delete()
        begun = time.perf_counter()
        with transaction.atomic():
            cursor.copy_expert(
                f"COPY customers_churnscore ({_LAYOUT}) FROM STDIN", io.StringIO(scores)
            )
        parts["copy_in"] = time.perf_counter() - begun
    return parts
