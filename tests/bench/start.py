"""How long a second `script/server` takes until it is ready, beside one bare Python process."""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from crm.embedded.configuration import CHECKOUT
from tests.embedded.stack import Stack

ROUNDS = 3
BARE = """
import django; django.setup()
from django.db import connection
connection.cursor().execute("SELECT 1")
"""


def second_start(*, customers: int) -> dict[str, Any]:
    """
    Seconds from the command to `ready`, the demo operator being there; median of three.

    The limit is one Python process that loads the program and asks the database one question,
    on servers that already run: nothing that answers can be there sooner.
    """
    folder = Path(os.environ["CRM_VAR"]) / "stack"
    first, _ = _started(folder, customers)
    starts = [_started(folder, customers) for _ in range(ROUNDS)]
    limit = statistics.median(_bare() for _ in range(ROUNDS))
    value = statistics.median(wall for wall, _ in starts)
    return {
        "name": "second_start",
        "value": round(value, 2),
        "unit": "s",
        "limit": round(limit, 2),
        "ratio": round(value / limit, 2),
        "customers": customers,
        "rows": ROUNDS,
        "processor_seconds": round(statistics.median(used for _, used in starts), 2),
        "first_start_seconds": round(first, 1),
    }


def _started(folder: Path, customers: int) -> tuple[float, float]:
    """Start and end a stack; return its seconds to `ready`, by the clock and of processors."""
    stack = Stack(folder, demo_customers=customers, CRM_WEB_WORKERS="2", CRM_WORKERS="2")
    began = time.monotonic()
    stack.start()
    try:
        stack.wait_until_ready(within=3600)
        return time.monotonic() - began, stack.processor_seconds()
    finally:
        stack.stop()


def _bare() -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", BARE], cwd=CHECKOUT, env=os.environ, check=True)
    return time.monotonic() - began
