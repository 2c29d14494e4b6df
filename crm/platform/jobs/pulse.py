"""
How a running job is heard of: a thread beside it, with a database connection of its own.

The job's own transaction may stay open for minutes, and what it writes is unseen until then.
The thread commits each word at once, so progress shows, and a heartbeat that stops means
that the process has died, not that the work is long.
"""

import logging
import threading
from types import TracebackType
from typing import Self
from uuid import UUID

from django.db import DatabaseError, connection
from django.utils import timezone

from crm.platform.access.models import Staff
from crm.platform.bus import announce
from crm.platform.jobs.models import Job, JobStatus
from crm.platform.jobs.registry import JobCancelled, JobLost
from crm.platform.jobs.running import channel_of

HEARTBEAT_SECONDS = 2.0
LEAST_PAUSE_SECONDS = 0.2

logger = logging.getLogger(__name__)


class Pulse:
    """The run of one claimed job: its context for the job function, and its heartbeat."""

    def __init__(self, job: Job) -> None:
        self.id: UUID | None = job.pk
        self.actor: Staff | None = job.created_by
        self.at = timezone.now()
        self._run = Job.objects.filter(pk=job.pk, status=JobStatus.RUNNING, attempt=job.attempt)
        self._said: dict[str, object] = {"done": 0, "total": None, "message": ""}
        self._written = dict(self._said)
        self._wake, self._stop = threading.Event(), threading.Event()
        self._cancelled, self._lost = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"pulse-{job.pk}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._wake.set()
        self._thread.join()

    def progress(self, done: int, total: int | None = None, message: object = "") -> None:
        if self._lost.is_set():
            raise JobLost
        if self._cancelled.is_set():
            raise JobCancelled
        self._said = {"done": done, "total": total, "message": str(message)[:300]}
        self._wake.set()

    @property
    def last_words(self) -> dict[str, object]:
        """The progress said last, for the row's final state."""
        return dict(self._said)

    def _beat(self) -> None:
        try:
            while not self._stop.is_set():
                self._wake.wait(HEARTBEAT_SECONDS)
                self._wake.clear()
                self._write()
                self._stop.wait(LEAST_PAUSE_SECONDS)
        finally:
            connection.close()

    def _write(self) -> None:
        said = self._said
        try:
            if not self._run.update(heartbeat_at=timezone.now(), **said):
                self._lost.set()
            elif self._run.filter(cancel_requested_at__isnull=False).exists():
                self._cancelled.set()
        except DatabaseError:
            logger.warning("Job %s: the heartbeat could not be written", self.id, exc_info=True)
            connection.close()
            return
        if said != self._written:
            self._written = said
            announce(channel_of(str(self.id)))
