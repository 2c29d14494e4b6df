"""Train the churn model; print its worth on held-out rows as one line of JSON."""

import json
import sys
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from analytics.churn.leaks import THRESHOLD
from analytics.churn.training import Request, train
from crm.platform.errors import DomainError


class Command(BaseCommand):
    help = "Train the churn model on who left within a horizon after a day."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--as-of", type=date.fromisoformat, help="YYYY-MM-DD; default: latest")
        parser.add_argument("--horizon-days", type=int, default=30)
        parser.add_argument("--source", action="append", default=[], help="only this source")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--leak-auc", type=float, default=THRESHOLD)
        parser.add_argument(
            "--allow-feature", action="append", default=[], metavar="CODE", help="despite the alarm"
        )

    def handle(self, **options: Any) -> None:
        if options["horizon_days"] < 1:
            raise CommandError("The horizon is at least one day.")
        request = Request(
            as_of=options["as_of"],
            horizon_days=options["horizon_days"],
            sources=options["source"],
            seed=options["seed"],
            leak_threshold=options["leak_auc"],
            allowed=options["allow_feature"],
        )
        try:
            model = train(request, actor=None, at=timezone.now(), progress=self._say)
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal
        answer = model.metrics | {
            "model": model.version,
            "status": model.status,
            "as_of": str(model.as_of),
            "horizon_days": model.horizon_days,
            "sources": model.sources,
            "excluded": [leak["code"] for leak in model.leaks if leak["excluded"]],
        }
        self.stdout.write(json.dumps(answer, ensure_ascii=False))

    def _say(self, done: int, total: int, message: str) -> None:
        print(f"{100 * done // total:3d} % {message}", file=sys.stderr)
