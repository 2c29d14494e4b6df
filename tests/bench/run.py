"""
`script/bench [NAME…] [--customers N]`: measure, and say it in JSON, one object a line.

Every measure runs beside its physical limit in the same run (`limit`, `ratio`), in a process of
its own, on servers of its own under `<data folder>/bench`: what writes starts from an empty
database, what reads shares a demo operator of N customers that is made once and kept.
"""

import argparse
import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import django
from django.apps import apps
from django.core.management import call_command

from crm import environment
from crm.embedded.folder import DataFolder
from crm.embedded.servers import Servers

CHECKOUT = Path(__file__).resolve().parent.parent.parent
# Name → where it is measured, and whether on an empty database or on the demo operator.
MEASURES = {
    "second_start": ("tests.bench.start", "empty"),
    "demo_operator": ("tests.bench.demo", "empty"),
    "import_customers": ("tests.bench.feeds", "empty"),
    "import_usage": ("tests.bench.feeds", "empty"),
    "import_bills": ("tests.bench.feeds", "empty"),
    "import_payments": ("tests.bench.feeds", "empty"),
    "record_access_call": ("tests.bench.ground", "empty"),
    "publish_call": ("tests.bench.ground", "empty"),
    "search_number": ("tests.bench.pages", "demo"),
    "search_name": ("tests.bench.pages", "demo"),
    "open_360": ("tests.bench.pages", "demo"),
    "list_first": ("tests.bench.lists", "demo"),
    "list_deep": ("tests.bench.lists", "demo"),
    "score_churn": ("tests.bench.churn", "demo"),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MEASURES)}")
    parser.add_argument("--customers", type=int, default=20_000, metavar="N")
    parser.add_argument("--here", choices=MEASURES, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(MEASURES):
        parser.error(
            f"no such measure: {', '.join(sorted(unknown))}; there are {', '.join(MEASURES)}"
        )
    if asked.here:
        _measure_here(asked.here, asked.customers)
        return
    var = environment.folder("CRM_VAR", CHECKOUT / "var")
    results, failed = [], False
    for name in asked.names or MEASURES:
        result = _measure(name, asked.customers, var / "bench")
        failed = failed or result is None
        results += [result] if result else []
    var.mkdir(parents=True, exist_ok=True)
    (var / "bench.json").write_text(json.dumps(results, indent=1) + "\n")
    sys.exit(failed)


def _measure(name: str, customers: int, folder: Path) -> dict[str, object] | None:
    """Run one measure in a process of its own; print its line; None if it failed."""
    place = folder / ("empty" if MEASURES[name][1] == "empty" else f"demo-{customers}")
    if MEASURES[name][1] == "empty":
        shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.bench.run", "--here", name]
    command += ["--customers", str(customers)]
    with Servers(DataFolder(place)).in_use():
        ended = subprocess.run(
            command,
            cwd=CHECKOUT,
            env=os.environ | {"CRM_VAR": str(place)},
            stdout=subprocess.PIPE,
            text=True,
        )
    if ended.returncode:
        print(f"{name}: failed, see above", file=sys.stderr, flush=True)
        return None
    line = ended.stdout.strip().splitlines()[-1]
    print(line, flush=True)
    return json.loads(line)


def _measure_here(name: str, customers: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    django.setup()
    call_command("migrate", verbosity=0, stdout=sys.stderr)
    module, ground = MEASURES[name]
    if ground == "demo":
        _have_demo_operator(customers)
    measure = getattr(importlib.import_module(module), name)
    print(json.dumps(measure(customers=customers)))


def _have_demo_operator(customers: int) -> None:
    if not apps.get_model("customers", "Customer").objects.exists():
        call_command("demo_operator", customers=customers, months=12, seed=1, stdout=sys.stderr)


if __name__ == "__main__":
    main()
