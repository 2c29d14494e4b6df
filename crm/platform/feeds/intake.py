"""What pages and REST ask of the feeds: take a file in, run it, stop it, undo it."""

from datetime import datetime
from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext as _

from crm.platform.access.models import Staff
from crm.platform.errors import DomainError
from crm.platform.feeds.definition import FeedRefused
from crm.platform.feeds.engine import cancel_batch
from crm.platform.feeds.mapping_reader import read_mapping
from crm.platform.feeds.models import Batch, BatchStatus
from crm.platform.feeds.selectors import job_of
from crm.platform.feeds.services import receive
from crm.platform.feeds.uploads import FeedUpload, uploads_folder
from crm.platform.jobs.models import JobStatus
from crm.platform.jobs.services import request_cancel, start_job

_STARTED = (BatchStatus.RUNNING, BatchStatus.INTERRUPTED)


class NotNow(DomainError):
    """The batch is not in a state in which this can be done."""

    code = "batch_not_now"


@transaction.atomic
def take_in(
    *,
    feed: str,
    upload: FeedUpload,
    actor: Staff,
    at: datetime,
    mapping_name: str = "",
    mapping_text: str = "",
    error_percent: int | None = None,
) -> Batch:
    """
    Keep an uploaded file as a received batch; nothing of it is read yet.

    :raises FeedRefused: for an unknown feed or a wrong mapping; the file is not kept then.
    """
    path = upload.keep()
    try:
        batch = receive(
            feed=feed,
            path=path,
            actor=actor,
            at=at,
            mapping_name=mapping_name,
            mapping_text=mapping_text,
            error_percent=error_percent,
        )
        batch.sha256 = upload.sha256
        batch.save(update_fields=["sha256"])
    except BaseException:
        path.unlink(missing_ok=True)
        path.parent.rmdir()
        raise
    return batch


@transaction.atomic
def set_mapping(*, batch_id: int, name: str, text: str) -> Batch:
    """
    Say how a received file is to be read. A wrong mapping is kept, too: it is there to be
    corrected, and `start_run` refuses it.

    :raises NotNow: if the batch has been started.
    """
    batch = _locked(batch_id)
    _refuse_while_working(batch)
    _refuse_unless(batch, BatchStatus.RECEIVED)
    batch.mapping_name, batch.mapping_text = name[:100], text
    batch.save(update_fields=["mapping_name", "mapping_text"])
    return batch


@transaction.atomic
def start_run(*, batch_id: int, dry_run: bool, actor: Staff, at: datetime) -> Batch:
    """
    Start the job that runs a received batch, or goes on with an interrupted one. What an
    interrupted batch was to be, dry or not, it stays.

    :raises FeedRefused: for a wrong mapping.
    :raises NotNow: if the batch is at work or at its end.
    """
    batch = _locked(batch_id)
    _refuse_while_working(batch)
    _refuse_unless(batch, BatchStatus.RECEIVED, *_STARTED)
    if batch.mapping_text:
        read_mapping(batch.mapping_text, feed=batch.feed)
    if batch.status == BatchStatus.RECEIVED:
        batch.is_dry_run = dry_run
    return _start(batch, "feeds.import", actor, at)


@transaction.atomic
def repeat(*, batch_id: int, actor: Staff, at: datetime) -> Batch:
    """
    Receive the file of an earlier batch once more, with the same mapping.

    :raises FeedRefused: if the file is no longer kept, or never was.
    """
    earlier = Batch.objects.get(pk=batch_id)
    path = Path(earlier.file_path)
    if not path.is_relative_to(uploads_folder().absolute()) or not path.is_file():
        raise FeedRefused(
            _("The file of batch %(number)s is not kept here; upload it again.")
            % {"number": earlier.number},
            code="file_missing",
        )
    batch = receive(
        feed=earlier.feed, path=path, actor=actor, at=at, error_percent=earlier.error_percent
    )
    batch.sha256 = earlier.sha256
    batch.mapping_name, batch.mapping_text = earlier.mapping_name, earlier.mapping_text
    batch.save(update_fields=["sha256", "mapping_name", "mapping_text"])
    return batch


@transaction.atomic
def stop(*, batch_id: int, actor: Staff, at: datetime) -> Batch:
    """
    Stop a batch so that nothing of it stays: at its next step if it runs, at once if it waits.

    :raises NotNow: if it has ended.
    """
    batch = _locked(batch_id)
    job = job_of(batch)
    if job is not None and not job.is_finished:
        job = request_cancel(job_id=job.pk, actor=actor, at=at)
        if job.status != JobStatus.CANCELLED:
            return batch  # the run itself takes back what it did
    _refuse_unless(batch, BatchStatus.RECEIVED, *_STARTED)
    if batch.status in _STARTED:
        return _start(batch, "feeds.take_back", actor, at)
    return cancel_batch(batch_id=batch.pk)


@transaction.atomic
def start_undo(*, batch_id: int, actor: Staff, at: datetime) -> Batch:
    """
    Start the job that undoes an applied batch.

    :raises NotNow: if it is not applied, or at work.
    """
    batch = _locked(batch_id)
    _refuse_while_working(batch)
    _refuse_unless(batch, BatchStatus.APPLIED)
    return _start(batch, "feeds.undo", actor, at)


def _locked(batch_id: int) -> Batch:
    return Batch.objects.select_for_update().get(pk=batch_id)


def _start(batch: Batch, kind: str, actor: Staff, at: datetime) -> Batch:
    job = start_job(kind=kind, params={"batch_id": batch.pk}, actor=actor, at=at)
    batch.job_id = job.pk
    batch.save(update_fields=["job_id", "is_dry_run"])
    return batch


def _refuse_while_working(batch: Batch) -> None:
    job = job_of(batch)
    if job is not None and not job.is_finished:
        raise NotNow(_("Batch %(number)s is being worked on just now.") % {"number": batch.number})


def _refuse_unless(batch: Batch, *statuses: BatchStatus) -> None:
    if batch.status not in statuses:
        raise NotNow(
            _("Batch %(number)s is “%(now)s”; this cannot be done to it any more.")
            % {"number": batch.number, "now": batch.get_status_display()}
        )
