"""Background work on lists: changing, undoing, exporting all that match."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.platform.jobs.registry import JobContext, job
from customers.services import bulk as bulk_changes
from customers.services import exports

_OUTCOMES = {
    "changed": _("Changed"),
    "unchanged": _("Was so already"),
    "refused": _("Could not be changed"),
    "undone": _("Undone"),
    "kept": _("Changed since, so kept"),
}


@job(
    bulk_changes.JOB,
    queue="bulk",
    label=_("Change of all customers that match"),
    result_labels=_OUTCOMES,
)
def change(context: JobContext, *, bulk: str) -> dict[str, Any]:
    today = timezone.localdate(context.at)
    return bulk_changes.run_bulk(context=context, bulk_id=UUID(bulk), today=today)


@job(
    bulk_changes.UNDO_JOB,
    queue="bulk",
    label=_("Undoing a change of many customers"),
    result_labels=_OUTCOMES,
)
def undo(context: JobContext, *, bulk: str) -> dict[str, Any]:
    return bulk_changes.run_undo(context=context, bulk_id=UUID(bulk))


@job(
    exports.JOB,
    queue="bulk",
    label=_("Export of a list"),
    result_labels={"rows": _("Rows")},
)
def export(context: JobContext, *, export: str) -> dict[str, Any]:
    today = timezone.localdate(context.at)
    return exports.run_export(context=context, export_id=UUID(export), today=today)
