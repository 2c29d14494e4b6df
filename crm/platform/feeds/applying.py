"""Applying what is staged: at once or chunk by chunk, kept or rolled back, and counted."""

import tempfile
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.platform.events.outbox import publish
from crm.platform.feeds.chunks import close_chunk, open_chunk
from crm.platform.feeds.definition import Counts, FeedRefused, Preparation, feed_named, known_feeds
from crm.platform.feeds.models import Batch, BatchChunk, BatchStatus, Reject
from crm.platform.feeds.plan import Plan
from crm.platform.feeds.rejects import fill_rejects
from crm.platform.feeds.staging import Progress, add_rejects, spool_rejects, stage_of

_LOCK_SPACE = 0x46454543
_TRIES = 3


class _RollBack(Exception):
    """Leaves a transaction that must not be kept."""


@dataclass
class Run:
    """One run of one batch."""

    batch: Batch
    plan: Plan
    progress: Progress
    at: datetime
    is_careful: bool = False

    @property
    def late_months(self) -> int:
        said = self.plan.mapping.late_months
        return settings.FEED_LATE_MONTHS if said is None else said


def apply(run: Run) -> None:
    """
    Apply what is staged and end the batch.

    :raises FeedRefused: if more rows are rejected than the batch allows.
    """
    large = (run.batch.staged_rows or 0) > settings.FEED_CHUNK_ROWS
    if run.batch.is_dry_run or not large:
        _apply_at_once(run)
    else:
        _apply_in_chunks(run)


def _apply_at_once(run: Run) -> None:
    """Apply all chunks and finish in one transaction; keep it, or roll it back."""
    batch = run.batch
    refusal: FeedRefused | None = None
    for attempt in range(1, _TRIES + 1):
        try:
            with tempfile.TemporaryFile("w+", encoding="utf-8") as spool:
                try:
                    with transaction.atomic():
                        _prepare(run)
                        for number in range(_chunks(batch)):
                            _apply_chunk(run, number)
                        refusal = _too_many_rejected(batch, batch.rows)
                        if batch.is_dry_run or refusal:
                            spool_rejects(batch, spool)
                            counts = _counted(batch)
                            raise _RollBack
                        _finish(run, BatchStatus.APPLIED, _counted(batch))
                except _RollBack:
                    spool.seek(0)
                    with transaction.atomic():
                        add_rejects(spool)
                        if batch.is_dry_run:
                            if refusal:
                                batch.notes = [*batch.notes, str(refusal)]
                            _finish(run, BatchStatus.CHECKED, counts)
            break
        except IntegrityError:  # a key twice: from elsewhere just now, or in the file; look again
            if attempt == _TRIES:
                raise
            run.is_careful = True
    if refusal and not batch.is_dry_run:
        fill_rejects(batch, run.plan)
        raise refusal


def _apply_in_chunks(run: Run) -> None:
    """Apply each chunk in its own transaction; those applied before an interruption are done."""
    batch = run.batch
    with transaction.atomic():
        _prepare(run)
    done = set(BatchChunk.objects.filter(batch=batch).values_list("number", flat=True))
    for number in range(_chunks(batch)):
        if number in done:
            continue
        for attempt in range(1, _TRIES + 1):
            try:
                with transaction.atomic():
                    _apply_chunk(run, number)
                break
            except IntegrityError:
                if attempt == _TRIES:
                    raise
                run.is_careful = True
        if refusal := _too_many_rejected(batch, batch.rows):
            fill_rejects(batch, run.plan)
            raise refusal
    with transaction.atomic():
        _finish(run, BatchStatus.APPLIED, _counted(batch))


def _prepare(run: Run) -> None:
    """Let the feed make ready what it needs; what it found is kept for a run that goes on."""
    batch = run.batch
    batch.context.setdefault("chunk_rows", settings.FEED_CHUNK_ROWS)
    preparation = Preparation(
        stage_of(batch), run.plan.facts, run.late_months, dict(batch.context), []
    )
    run.plan.feed.prepare(preparation)
    batch.context = preparation.context
    batch.notes = [*dict.fromkeys([*batch.notes, *preparation.notes])]
    batch.save(update_fields=["context", "notes"])


def _chunks(batch: Batch) -> int:
    """How many chunks the batch has: the whole file once for each pass of its feed."""
    ranges = max(1, -(-batch.context["last_row"] // batch.context["chunk_rows"]))
    return ranges * len(feed_named(batch.feed).passes)


def _apply_chunk(run: Run, number: int) -> None:
    batch = run.batch
    size, passes = batch.context["chunk_rows"], run.plan.feed.passes
    which, first = divmod(number, _chunks(batch) // len(passes))
    run.progress(min(first * size, batch.rows), batch.rows, _("Applying"))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '128MB'")
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK_SPACE, batch.feed])
    chunk = open_chunk(
        batch=batch,
        facts=run.plan.facts,
        stage=stage_of(batch),
        number=number,
        first_row=first * size + 1,
        last_row=(first + 1) * size,
        only=passes[which],
        at=run.at,
        late_months=run.late_months,
        is_careful=run.is_careful,
    )
    close_chunk(chunk, run.plan.feed.apply(chunk))


def _too_many_rejected(batch: Batch, rows: int) -> FeedRefused | None:
    if batch.error_percent is None:
        return None
    rejected = Reject.objects.filter(batch=batch).count()
    if rejected * 100 <= rows * batch.error_percent:
        return None
    return FeedRefused(
        _(
            "%(rejected)d of %(rows)d rows were rejected, more than the %(percent)d %% allowed. "
            "Nothing was applied."
        )
        % {"rejected": rejected, "rows": rows, "percent": batch.error_percent},
        code="too_many_rejected",
    )


def _counted(batch: Batch) -> Counts:
    sums = BatchChunk.objects.filter(batch=batch).aggregate(
        **{name: Sum(name, default=0) for name in ("created", "updated", "unchanged", "late")}
    )
    return Counts(rejected=Reject.objects.filter(batch=batch).count(), **sums)


def _finish(run: Run, status: BatchStatus, counts: Counts) -> None:
    """End the batch with its counts, in the transaction of what they count."""
    batch = run.batch
    run.progress(batch.rows, batch.rows, _("Finishing"))
    fill_rejects(batch, run.plan)
    batch.created, batch.updated, batch.unchanged = counts.created, counts.updated, counts.unchanged
    batch.rejected, batch.late = counts.rejected, counts.late
    batch.move_to(status)
    batch.finished_at = timezone.now()
    batch.save()
    if status == BatchStatus.APPLIED:
        publish(
            "feeds.batch.applied",
            at=batch.finished_at,
            actor=batch.created_by,
            batch=batch.number,
            feed=batch.feed,
            source=batch.source,
            rows=batch.rows,
            created=batch.created,
            updated=batch.updated,
            unchanged=batch.unchanged,
            rejected=batch.rejected,
            late=batch.late,
        )


def hold_feeds() -> None:
    """
    Let no chunk of any feed be applied until the caller's transaction ends; wait for those
    that are. For those who change whose rows are: a file looks that up before it writes.
    """
    codes = sorted(feed.code for feed in known_feeds())
    with connection.cursor() as cursor:
        for code in codes:
            cursor.execute(
                "SELECT pg_advisory_xact_lock_shared(%s, hashtext(%s))", [_LOCK_SPACE, code]
            )
