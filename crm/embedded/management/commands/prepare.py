import argparse
import hashlib
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from crm.platform.access.models import Staff
from customers.demo.models import DemoOperator
from customers.demo.selectors import demo_facts
from customers.models import Customer

DEMO_MONTHS = 12
DEMO_SEED = 1


class Command(BaseCommand):
    """
    All of it in one process, since each start of Django costs a second; where nothing is to
    be done it only looks.
    """

    help = "Migrate, collect static files, make the demo operator: whatever is not done yet."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--customers", type=int, default=0)

    def handle(self, *args: Any, customers: int, **options: Any) -> None:
        self._migrate()
        self._collect_static()
        there = settings.EMBEDDED and self._make_demo(customers)
        self.stdout.write("demo" if there else "bare")

    def _say(self, sentence: str) -> None:
        self.stderr.write(sentence)
        self.stderr.flush()

    def _migrate(self) -> None:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan:
            self._say(f"Bringing the database up to date ({len(plan)} migrations) ...")
            call_command("migrate", interactive=False, verbosity=0)

    def _collect_static(self) -> None:
        now = hashlib.sha256("\n".join(sorted(_static_files())).encode()).hexdigest()
        mark = Path(settings.STATIC_ROOT) / ".collected"
        if not mark.exists() or mark.read_text() != now:
            self._say("Collecting static files ...")
            call_command("collectstatic", interactive=False, verbosity=0, clear=True)
            mark.write_text(now)

    def _make_demo(self, customers: int) -> bool:
        """
        Make the demo operator on the first start; without customers only its people, so that
        somebody can log in. Return whether the demo log-ins are there.
        """
        if demo_facts() is None and customers:
            if Customer.objects.exists() and not DemoOperator.objects.exists():
                self._say("The database has customers already, so no demo operator is made.")
            else:
                self._say(f"Making the demo operator of {customers} customers ...")
                self._call_demo_operator(customers)
        elif not Staff.objects.exists():
            self._call_demo_operator(0)
        return Staff.objects.filter(is_demo=True).exists()

    def _call_demo_operator(self, customers: int) -> None:
        begun = time.monotonic()
        sizes = {"customers": customers, "months": DEMO_MONTHS, "seed": DEMO_SEED}
        call_command("demo_operator", stdout=io.StringIO(), **sizes)
        self._say(f"It was made in {time.monotonic() - begun:.0f} s.")


def _static_files() -> Iterator[str]:
    for finder in get_finders():
        for path, storage in finder.list(["CVS", ".*", "*~"]):
            seen = Path(storage.path(path)).stat()
            prefix = getattr(storage, "prefix", "")
            yield f"{prefix} {path} {seen.st_size} {seen.st_mtime_ns}"
