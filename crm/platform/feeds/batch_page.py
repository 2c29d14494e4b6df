"""What the page of one batch shows, by the state the batch is in."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from crm.platform.access.masking import FieldClass
from crm.platform.access.models import Staff
from crm.platform.audit.models import AccessAction
from crm.platform.audit.services import record_access
from crm.platform.feeds.definition import feed_named
from crm.platform.feeds.exports import may_export
from crm.platform.feeds.forms import OWN, MappingForm
from crm.platform.feeds.models import Batch, BatchStatus
from crm.platform.feeds.preview import preview_of
from crm.platform.feeds.selectors import job_of, reject_groups, same_file
from crm.platform.feeds.shipped import shipped_mappings
from crm.platform.jobs.models import Job, JobStatus

_PARTS = ("created", "updated", "unchanged", "rejected")
_COUNTED = (BatchStatus.CHECKED, BatchStatus.APPLIED, BatchStatus.UNDONE)
BAR = 1000
"""Width of the bar of counts, in the units of its drawing."""


def context_of(*, request: HttpRequest, staff: Staff, batch: Batch) -> dict[str, Any]:
    """Return what the page shows; looking at rows of the file is recorded."""
    job = job_of(batch)
    situation = situation_of(batch, job)
    context: dict[str, Any] = {
        "batch": batch,
        "feed_label": batch.label,
        "job": job,
        "situation": situation,
        "job_failed": job.error if job and job.status == JobStatus.FAILED else "",
        "may_run": staff.has_perm("feeds.add_batch"),
        "may_stop": _may_stop(staff, batch),
        "may_undo": staff.has_perm("feeds.undo_batch"),
        "may_export": may_export(staff, batch),
    }
    if situation == "ready":
        found = preview_of(batch)
        context |= {"preview": found, "form": _form(batch), "same_file": same_file(batch)}
        _record(request, staff, batch, found.field_classes, len(found.rows))
    elif situation == "ended":
        groups = reject_groups(batch)
        context |= {"groups": groups, "parts": bar_of(batch) if _is_counted(batch) else []}
        if groups:
            personal = {c.personal for c in feed_named(batch.feed).columns if c.personal}
            _record(request, staff, batch, personal, sum(len(g.samples) for g in groups))
    return context


def situation_of(batch: Batch, job: Job | None) -> str:
    """
    Return "working" (a job is at it), "ready" (to be run), "elsewhere" (a command runs it),
    "interrupted", or "ended".
    """
    if job is not None and not job.is_finished:
        return "working"
    if batch.status == BatchStatus.RECEIVED:
        return "ready"
    if batch.status == BatchStatus.RUNNING and job is None:
        return "elsewhere"
    if batch.status in (BatchStatus.RUNNING, BatchStatus.INTERRUPTED):
        return "interrupted"
    return "ended"


def bar_of(batch: Batch) -> list[dict[str, Any]]:
    """Return the parts that add up to the rows, each with its place in the bar."""
    parts, before = [], 0
    for name in _PARTS:
        rows = getattr(batch, name)
        start, end = (BAR * n / max(batch.rows, 1) for n in (before, before + rows))
        share = rows / max(batch.rows, 1)
        parts.append({"name": name, "rows": rows, "x": start, "width": end - start, "share": share})
        before += rows
    return parts


def _is_counted(batch: Batch) -> bool:
    return batch.status in _COUNTED


def _form(batch: Batch) -> MappingForm:
    is_shipped = batch.mapping_text and shipped_mappings().get(batch.mapping_name)
    name = batch.mapping_name if is_shipped else OWN if batch.mapping_text else ""
    text = "" if is_shipped else batch.mapping_text
    return MappingForm(initial={"mapping": name, "mapping_text": text})


def _may_stop(staff: Staff, batch: Batch) -> bool:
    if not staff.has_perm("feeds.add_batch"):
        return False
    return batch.created_by_id == staff.pk or staff.has_perm("feeds.undo_batch")


def _record(request: HttpRequest, staff: Staff, batch: Batch, personal: Any, rows: int) -> None:
    classes: set[FieldClass] = set(personal)
    if rows:
        record_access(
            request=request,
            actor=staff,
            action=AccessAction.VIEW,
            object_type="feeds.batch",
            object_id=batch.number,
            field_classes=classes,
            row_count=rows,
            at=timezone.now(),
        )
