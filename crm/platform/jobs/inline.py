"""The same work without a worker: for commands, which wait for it anyway."""

import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from crm.platform.access.models import Staff
from crm.platform.history.attribution import attributed
from crm.platform.jobs.registry import kind_of

Listener = Callable[[int, int | None, str], None]


class StderrProgress:
    """Lines of progress on standard error, at most two a second and always the last."""

    def __init__(self) -> None:
        self._said_at = 0.0

    def __call__(self, done: int, total: int | None, message: str) -> None:
        now = time.monotonic()
        if now - self._said_at < 0.5 and done != total:
            return
        self._said_at = now
        share = f"{done:,} of {total:,}" if total else f"{done:,}"
        print(f"{share} {message}".rstrip(), file=sys.stderr, flush=True)


class InlineContext:
    """A job's context in the process of who asked. Ctrl-C is its cancel button."""

    def __init__(self, *, actor: Staff | None, at: datetime, on_progress: Listener) -> None:
        self.id: UUID | None = None
        self.actor, self.at = actor, at
        self._on_progress = on_progress

    def progress(self, done: int, total: int | None = None, message: object = "") -> None:
        self._on_progress(done, total, str(message))


def run_inline(
    kind: str,
    params: dict[str, Any],
    on_progress: Listener | None = None,
    *,
    actor: Staff | None = None,
    at: datetime | None = None,
) -> dict[str, Any]:
    """
    Run a kind of job here and now, leave no row, and return its result.

    :raises LookupError: if there is no such kind; and whatever the job raises.
    """
    context = InlineContext(
        actor=actor, at=at or timezone.now(), on_progress=on_progress or StderrProgress()
    )
    with attributed(actor_id=actor.pk if actor else None, via=f"command {kind}"):
        return kind_of(kind).run(context, **params) or {}
