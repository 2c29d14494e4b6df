"""Kinds of job that the tests run, here and in real workers."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from django.db import transaction

from crm.platform.access.models import OrgUnit
from crm.platform.errors import DomainError
from crm.platform.jobs.registry import JobContext, job


@job("tests.count", label="Counting")
def count(
    context: JobContext, *, to: int = 3, pause: float = 0.0, marks: str = ""
) -> dict[str, Any]:
    """Count, and leave a line of (process, number) in a file for each step."""
    for n in range(1, to + 1):
        if marks:
            with Path(marks).open("a") as file:
                file.write(f"{os.getpid()} {n}\n")
        time.sleep(pause)
        context.progress(n, to, f"at {n}")
    return {"counted": to}


@job("tests.refuse")
def refuse(context: JobContext) -> None:
    context.progress(1, 2)
    raise DomainError("The file is empty.")


@job("tests.break")
def broken(context: JobContext) -> None:
    raise RuntimeError("secret 13800138000")


@job("tests.nonsense")
def nonsense(context: JobContext) -> dict[str, Any]:
    return {"answer": object()}


@job("tests.long_transaction", queue="bulk")
def long_transaction(context: JobContext, *, seconds: float) -> None:
    """Say something in the middle of a transaction that stays open."""
    with transaction.atomic():
        OrgUnit.objects.create(code="OPEN", name="Seen only after the commit", level="PROVINCE")
        context.progress(1, 2, "half way")
        time.sleep(seconds)


@job("tests.die_once")
def die_once(context: JobContext, *, marks: str) -> dict[str, Any]:
    """Kill the own process, as the kernel does when memory runs out, but only the first time."""
    first = not Path(marks).exists()
    with Path(marks).open("a") as file:
        file.write(f"{os.getpid()}\n")
    context.progress(1, 2)
    if first:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"died": 1}
