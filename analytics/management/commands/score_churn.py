"""Score the base with the churn model; print what was done as one line of JSON."""

import json
import sys
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from analytics.churn.scoring import THREADS, score
from crm.platform.errors import DomainError


class Command(BaseCommand):
    help = "Score every subscriber live on a day, with reasons."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--as-of", type=date.fromisoformat, help="YYYY-MM-DD; default: latest")
        parser.add_argument("--source", action="append", default=[], help="only this source")
        parser.add_argument("--model", default="", help="version; default: the active model")
        parser.add_argument("--threads", type=int, default=THREADS)

    def handle(self, **options: Any) -> None:
        if options["threads"] < 1:
            raise CommandError("At least one thread is needed.")
        try:
            answer = score(
                as_of=options["as_of"],
                sources=options["source"],
                version=options["model"],
                at=timezone.now(),
                progress=self._say,
                threads=options["threads"],
            )
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(json.dumps(answer, ensure_ascii=False))

    def _say(self, done: int, total: int, message: str) -> None:
        print(f"{100 * done // total:3d} % {message}", file=sys.stderr)
