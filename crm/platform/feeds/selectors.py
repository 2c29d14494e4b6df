"""Reading batches, their jobs and their rejected rows."""

from dataclasses import dataclass, field

from django.db.models import Count, F, QuerySet, Window
from django.db.models.functions import RowNumber

from crm.platform.access.models import Staff
from crm.platform.feeds.definition import FeedRefused, feed_named
from crm.platform.feeds.mapping_reader import read_mapping
from crm.platform.feeds.models import Batch, BatchStatus, Reject
from crm.platform.feeds.reasons import Finding
from crm.platform.feeds.rejects import Describer
from crm.platform.jobs.models import Job

GROUPS = 20
SAMPLES = 3


def batches_visible_to(staff: Staff) -> QuerySet[Batch]:
    """Return every batch for staff who may look at batches; a system sees its own."""
    batches = Batch.objects.select_related("created_by")
    return batches.filter(created_by=staff) if staff.is_system else batches


def job_of(batch: Batch) -> Job | None:
    """Return the job that ran, runs or undoes the batch latest; None for a command's."""
    if batch.job_id is None:
        return None
    return Job.objects.select_related("created_by").filter(pk=batch.job_id).first()


def same_file(batch: Batch) -> Batch | None:
    """Return the latest other batch by which these very bytes were applied to this feed."""
    return (
        Batch.objects.filter(feed=batch.feed, sha256=batch.sha256, status=BatchStatus.APPLIED)
        .exclude(pk=batch.pk)
        .exclude(sha256="")
        .order_by("-pk")
        .first()
    )


@dataclass
class RejectSample:
    row_number: int
    sentences: list[str]
    cells: list[tuple[str, str]]


@dataclass
class RejectGroup:
    """Rows rejected first of all for one reason in one column; personal values are masked."""

    column: str
    sentence: str
    rows: int
    samples: list[RejectSample] = field(default_factory=list)


def reject_groups(batch: Batch) -> list[RejectGroup]:
    """Return the commonest reasons, each with how many rows it concerns and its first ones."""
    rejects = Reject.objects.filter(batch=batch)
    counted = list(
        rejects.order_by()
        .values_list("column", "code")
        .annotate(rows=Count("pk"))
        .order_by("-rows", "column", "code")[:GROUPS]
    )
    if not counted:
        return []
    place = Window(
        RowNumber(), partition_by=[F("column"), F("code")], order_by=F("row_number").asc()
    )
    describe, wanted = Describer(batch), columns_read(batch)
    groups: list[RejectGroup] = []
    firsts: dict[tuple[str, str], list[Reject]] = {}
    placed = rejects.annotate(place=place).filter(place__lte=SAMPLES).order_by("row_number")
    for sample in placed:
        firsts.setdefault((sample.column, sample.code), []).append(sample)
    for column, code, rows in counted:
        shown = firsts.get((column, code), [])
        detail = shown[0].detail if shown else ""
        group = RejectGroup(column, Finding(column, code, detail).sentence("…"), rows)
        for reject in shown:
            cells = [cell for cell in describe.masked_cells(reject) if cell[0] in wanted]
            group.samples.append(RejectSample(reject.row_number, describe.sentences(reject), cells))
        groups.append(group)
    return groups


def columns_read(batch: Batch) -> set[str]:
    """
    Return the file's columns that the batch reads. Of the others nobody knows what they hold,
    so they cannot be masked and are not shown.
    """
    feed = feed_named(batch.feed)
    if batch.mapping_text:
        try:
            mapping = read_mapping(batch.mapping_text, feed=feed.code)
        except FeedRefused:
            return set()
        if mapping.rules:
            return mapping.columns_read() - mapping.exclude
    names = {name for column in feed.columns for name in (column.name, *column.aliases)}
    return {name for name in batch.header if name.casefold() in names}
