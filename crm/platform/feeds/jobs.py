"""The feeds' background work. Each may be started again: an interrupted batch goes on."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.platform.feeds.definition import FeedRefused
from crm.platform.feeds.engine import cancel_batch, run_batch
from crm.platform.feeds.models import Batch, BatchStatus
from crm.platform.feeds.undo import undo_batch
from crm.platform.jobs.registry import JobContext, job

_RESULT_LABELS = {
    "batch": gettext_lazy("Batch"),
    "rows": gettext_lazy("Rows"),
    "created": gettext_lazy("Created"),
    "updated": gettext_lazy("Updated"),
    "unchanged": gettext_lazy("Unchanged"),
    "rejected": gettext_lazy("Rejected"),
    "removed": gettext_lazy("Removed"),
    "restored": gettext_lazy("Put back"),
    "kept_because_changed": gettext_lazy("Kept, changed since"),
}


@job(
    "feeds.import",
    queue="bulk",
    label=gettext_lazy("Import of a file"),
    result_labels=_RESULT_LABELS,
)
def run_import(context: JobContext, *, batch_id: int) -> dict[str, Any]:
    """
    Run a batch to its end.

    :raises FeedRefused: if the file cannot be taken, or the batch has ended without being run.
    """
    batch = run_batch(batch_id=batch_id, progress=context.progress, at=context.at)
    if batch.status == BatchStatus.REFUSED:
        raise FeedRefused(batch.error)
    if batch.status == BatchStatus.CANCELLED:
        raise FeedRefused(_("Batch %(number)s was cancelled.") % {"number": batch.number})
    return _counts(batch, "rows", "created", "updated", "unchanged", "rejected")


@job(
    "feeds.take_back",
    queue="bulk",
    label=gettext_lazy("Taking back a cancelled import"),
    result_labels=_RESULT_LABELS,
)
def run_take_back(context: JobContext, *, batch_id: int) -> dict[str, Any]:
    """Take back what an interrupted batch had applied, and end it."""
    return {"batch": cancel_batch(batch_id=batch_id).number}


@job(
    "feeds.undo",
    queue="bulk",
    label=gettext_lazy("Undoing an import"),
    result_labels=_RESULT_LABELS,
)
def run_undo(context: JobContext, *, batch_id: int) -> dict[str, Any]:
    """
    Take back an applied batch.

    :raises DomainError: if it cannot be undone.
    """
    batch = Batch.objects.get(pk=batch_id)
    if batch.status != BatchStatus.UNDONE:  # done before the worker died
        batch = undo_batch(batch_id=batch_id, actor=context.actor, at=context.at)
    return _counts(batch, "removed", "restored", "kept_because_changed")


def _counts(batch: Batch, *names: str) -> dict[str, Any]:
    return {"batch": batch.number} | {name: getattr(batch, name) for name in names}
