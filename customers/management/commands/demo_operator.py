import json
import os
from argparse import ArgumentParser
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from crm.platform.errors import DomainError
from customers.demo.operator import Request, build

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Command(BaseCommand):
    help = (
        "Make the demo operator: an invented province with its staff, customers and their history. "
        "The same seed, customers, months and end give the same rows. With 0 customers: only the "
        "units and the staff."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--customers", type=int, default=5000)
        parser.add_argument("--months", type=int, default=12)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument(
            "--until",
            type=date.fromisoformat,
            help="first day without data, the first of a month (default: of this month)",
        )
        parser.add_argument(
            "--workers",
            type=int,
            default=os.cpu_count() or 1,
            help="processes that write at once (default: one for each processor)",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        now = timezone.now()
        until = options["until"] or now.astimezone(SHANGHAI).date().replace(day=1)
        request = Request(options["customers"], options["months"], options["seed"], until)
        try:
            facts = build(request, at=now, workers=options["workers"], say=self._say)
        except DomainError as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(json.dumps(facts))

    def _say(self, sentence: str) -> None:
        self.stderr.write(sentence, lambda plain: plain)
        self.stderr.flush()
