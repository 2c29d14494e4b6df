import argparse
import hashlib
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from crm.embedded.models import Milestone

DEMO = "demo operator"
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
        """Make the demo operator if this database never had one; return whether it has one."""
        milestone = Milestone.objects.filter(name=DEMO).first()
        if milestone is not None and milestone.done_at is not None:
            return True
        if milestone is not None:
            self._say("The demo operator was cut off half-way; making the database anew ...")
            self._make_database_anew()
        if customers == 0:
            return False
        if "demo_operator" not in get_commands():
            self._say("There is no command demo_operator yet; starting without its data.")
            return False
        if apps.get_model("customers", "Customer").objects.exists():
            self._say("The database has customers already, so no demo operator is made.")
            return False
        self._say(f"Making the demo operator of {customers} customers ...")
        begun = time.monotonic()
        milestone = Milestone.objects.create(name=DEMO, begun_at=timezone.now())
        sizes = {"customers": customers, "months": DEMO_MONTHS, "seed": DEMO_SEED}
        call_command("demo_operator", stdout=io.StringIO(), **sizes)
        milestone.done_at = timezone.now()
        milestone.save(update_fields=["done_at"])
        self._say(f"The demo operator was made in {time.monotonic() - begun:.0f} s.")
        return True

    def _make_database_anew(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA public CASCADE")
            cursor.execute("CREATE SCHEMA public")
        call_command("migrate", interactive=False, verbosity=0)


def _static_files() -> Iterator[str]:
    for finder in get_finders():
        for path, storage in finder.list(["CVS", ".*", "*~"]):
            seen = Path(storage.path(path)).stat()
            prefix = getattr(storage, "prefix", "")
            yield f"{prefix} {path} {seen.st_size} {seen.st_mtime_ns}"
