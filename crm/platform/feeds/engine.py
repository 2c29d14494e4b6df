"""
Running a batch: look over the file, stage it, apply it chunk by chunk, finish it.

A file of up to FEED_CHUNK_ROWS rows is applied in one transaction. A larger one is applied in
several, each with its checkpoint: a run whose worker died goes on where it was, and a run that
is cancelled or has too many rejected rows takes back what its chunks did. A dry run is the same
run, rolled back at its end; that is why its counts are the counts.
"""

import time
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import (
    InterfaceError,
    OperationalError,
    connection,
    transaction,
)
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.platform.feeds.applying import Run, apply
from crm.platform.feeds.definition import FeedRefused, feed_named
from crm.platform.feeds.mapping import FeedMapping
from crm.platform.feeds.mapping_reader import read_mapping
from crm.platform.feeds.models import Batch, BatchChunk, BatchStatus, Reject
from crm.platform.feeds.plan import Plan, plan
from crm.platform.feeds.rejects import write_rejects_file
from crm.platform.feeds.staging import (
    Progress,
    drop_stage,
    is_staged,
    stage,
)
from crm.platform.feeds.survey import survey
from crm.platform.feeds.undo import take_back
from crm.platform.history.attribution import attributed
from crm.platform.jobs.registry import JobCancelled
from crm.platform.locks import alone

_LOCK_SPACE = 0x46454544
_LARGE = 250_000
_LETS_GO_WITHIN_SECONDS = 5.0


class BatchBusy(FeedRefused):
    """Another process runs this batch just now."""

    code = "batch_busy"


def run_batch(*, batch_id: int, progress: Progress, at: datetime) -> Batch:
    """
    Run a received or interrupted batch to its end.

    Any failure but those below leaves it interrupted: running it again goes on.

    :raises FeedRefused: if the file cannot be taken; the batch says why, nothing was applied.
    :raises JobCancelled: out of `progress`; what was applied has been taken back.
    :raises BatchBusy: if another process is at it.
    """
    with _alone(batch_id):
        batch = Batch.objects.get(pk=batch_id)
        if batch.is_finished:
            return batch
        if batch.status != BatchStatus.RUNNING:
            batch.move_to(BatchStatus.RUNNING)
        batch.started_at = batch.started_at or at
        batch.error = ""
        batch.save()
        try:
            with attributed(actor_id=batch.created_by_id, via=f"batch {batch.number}"):
                _run(batch, progress, at)
        except FeedRefused as refusal:
            _end(batch, BatchStatus.REFUSED, str(refusal))
            raise
        except JobCancelled:
            _end(batch, BatchStatus.CANCELLED, "")
            raise
        except BaseException as error:
            _interrupt(batch, error)
            raise
        drop_stage(batch)
    return batch


def cancel_batch(*, batch_id: int) -> Batch:
    """
    End a batch that waits or was interrupted, after taking back what it had applied.

    :raises BatchBusy: if a process is at it; that one is stopped through its `progress`.
    """
    with _alone(batch_id):
        _end(Batch.objects.get(pk=batch_id), BatchStatus.CANCELLED, "")
    return Batch.objects.get(pk=batch_id)


def _run(batch: Batch, progress: Progress, at: datetime) -> None:
    progress(0, None, _("Looking over the file"))
    run = Run(batch, _planned(batch, at), progress, at)
    if not is_staged(batch):
        stage(batch, run.plan, progress)
    apply(run)
    write_rejects_file(batch)
    if _large_change(batch):
        _analyze(run)


def _planned(batch: Batch, at: datetime) -> Plan:
    feed = feed_named(batch.feed)
    mapping = (
        read_mapping(batch.mapping_text, feed=feed.code)
        if batch.mapping_text
        else FeedMapping(feed=feed.code)
    )
    found = survey(
        Path(batch.file_path),
        most_bytes=settings.FEED_MOST_BYTES,
        encoding=mapping.encoding,
    )
    if batch.sha256 and batch.sha256 != found.sha256:
        raise FeedRefused(
            _("%(name)s is no longer the file that was received.") % {"name": batch.file_name}
        )
    planned = plan(feed=feed, mapping=mapping, survey=found, at=at)
    batch.sha256, batch.bytes = found.sha256, found.bytes
    batch.encoding, batch.header = found.encoding, planned.header
    batch.source, batch.as_of = mapping.source, mapping.as_of
    _compare_with_earlier(batch)
    planned.facts = replace(planned.facts, is_correction=batch.corrects_id is not None)
    batch.notes = _notes(batch, planned)
    batch.save()
    return planned


def _compare_with_earlier(batch: Batch) -> None:
    """Find out whether the file was delivered before, or corrects one of the same name."""
    if batch.started_at and BatchChunk.objects.filter(batch=batch).exists():
        return  # decided when it began
    earlier = Batch.objects.filter(feed=batch.feed, status=BatchStatus.APPLIED).order_by("-id")
    batch.duplicate_of = earlier.filter(
        sha256=batch.sha256, mapping_text=batch.mapping_text, duplicate_of=None
    ).first()
    if batch.duplicate_of is None:
        same_name = earlier.filter(file_name=batch.file_name).exclude(sha256=batch.sha256)
        batch.corrects = same_name.first()


def _notes(batch: Batch, planned: Plan) -> list[str]:
    notes = []
    if planned.survey.encoding != "utf-8":
        notes.append(_("The file is in %(name)s.") % {"name": planned.survey.encoding.upper()})
    if planned.ignored:
        notes.append(_("Not read: %(names)s.") % {"names": ", ".join(planned.ignored)})
    if batch.duplicate_of:
        notes.append(
            _(
                "The same file was applied as batch %(number)s: what is there stays as it is, "
                "only what is missing is added."
            )
            % {"number": batch.duplicate_of.number}
        )
    if batch.corrects:
        notes.append(
            _("A file of this name was applied as batch %(number)s; this one corrects it.")
            % {"number": batch.corrects.number}
        )
    return notes


def _large_change(batch: Batch) -> bool:
    return not batch.is_dry_run and batch.created + batch.updated >= _LARGE


def _end(batch: Batch, status: BatchStatus, error: str) -> None:
    """End a batch that is not applied, after taking back what its chunks did."""
    with transaction.atomic():
        batch = Batch.objects.select_for_update().get(pk=batch.pk)
        if batch.is_finished:
            return
        take_back(batch)
        batch.rejected = Reject.objects.filter(batch=batch).count()
        batch.move_to(status)
        batch.error, batch.finished_at = error[:1000], timezone.now()
        batch.save()
    write_rejects_file(batch)
    drop_stage(batch)


def _interrupt(batch: Batch, error: BaseException) -> None:
    """Note why a run stopped; what it committed stays, and the next run goes on from there."""
    with suppress(OperationalError, InterfaceError):
        Batch.objects.filter(pk=batch.pk, status=BatchStatus.RUNNING).update(
            status=BatchStatus.INTERRUPTED, error=f"{type(error).__name__}: {error}"[:1000]
        )


def _analyze(run: Run) -> None:
    with connection.cursor() as cursor:
        for table in run.plan.feed.tables(run.batch):
            cursor.execute(f"ANALYZE {table}")


def _alone(batch_id: int) -> AbstractContextManager[None]:
    """
    Hold a batch against every other process. A process that dies lets go, but only once the
    database has ended its statement: so ask for a few seconds before taking it for alive.
    """
    until = time.monotonic() + _LETS_GO_WITHIN_SECONDS

    def refuse_in_the_end() -> None:
        if time.monotonic() > until:
            raise BatchBusy(_("This batch is being run by another process just now."))

    return alone(_LOCK_SPACE, batch_id, while_waiting=refuse_in_the_end)
