"""
The kinds of background work. Each app names its own in its `jobs.py`:

    @job("feeds.import", queue="bulk", label=_("Import of a feed"))
    def run(context: JobContext, *, batch_id: int) -> dict[str, Any]:
        for n, chunk in enumerate(chunks, start=1):
            apply(chunk)
            context.progress(n, len(chunks), _("Applying"))
        return {"rows": rows}

A job may be started again after its worker died, so what it did so far must not harm the
second run. It may open its own transactions; its progress is visible at once all the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from django.utils.functional import Promise

from crm.platform.access.models import Staff

QUEUES = ("interactive", "bulk")


class JobCancelled(Exception):
    """Raised out of `progress` when somebody asked to cancel. Let it pass through."""


class JobLost(Exception):
    """Raised out of `progress` when the job was given to another worker in the meantime."""


class JobContext(Protocol):
    """What a job knows of its own run."""

    id: UUID | None
    actor: Staff | None
    at: datetime

    def progress(self, done: int, total: int | None = None, message: object = "") -> None:
        """
        Say how far the work is, in rows or steps. Cheap: call it as often as you like.

        :raises JobCancelled: when cancelling was asked for.
        :raises JobLost: when this run no longer counts.
        """


JobFunction = Callable[..., dict[str, Any] | None]


@dataclass(frozen=True)
class JobKind:
    code: str
    queue: str
    label: str | Promise
    result_labels: Mapping[str, str | Promise]
    run: JobFunction = field(repr=False)


_kinds: dict[str, JobKind] = {}


def job(
    code: str,
    *,
    queue: str = "interactive",
    label: str | Promise = "",
    result_labels: Mapping[str, str | Promise] | None = None,
) -> Callable[[JobFunction], JobFunction]:
    """
    Declare a kind of job. `queue` is "interactive" (somebody waits) or "bulk"; `result_labels`
    names the keys of its result on screen. A template `jobs/results/<code>.html` shows it whole.

    :raises ValueError: for an unknown queue, or a code that another function has.
    """

    def register(run: JobFunction) -> JobFunction:
        known = _kinds.get(code)
        if queue not in QUEUES:
            raise ValueError(f"Job {code!r}: there is no queue {queue!r}")
        if known is not None and known.run.__qualname__ != run.__qualname__:
            raise ValueError(f"Two functions say they are job {code!r}")
        _kinds[code] = JobKind(code, queue, label or code, result_labels or {}, run)
        return run

    return register


def kind_of(code: str) -> JobKind:
    """
    Return a kind by its code.

    :raises LookupError: if this release of the program has no such kind.
    """
    return _kinds[code]


def label_of(code: str) -> str | Promise:
    """Return how a kind is called on screen; a kind of an older release by its code."""
    kind = _kinds.get(code)
    return kind.label if kind else code


def result_labels_of(code: str) -> Mapping[str, str | Promise]:
    """Return how the keys of a kind's result are called on screen."""
    kind = _kinds.get(code)
    return kind.result_labels if kind else {}
