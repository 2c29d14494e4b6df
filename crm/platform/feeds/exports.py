"""Rejected rows as a file to correct and send again, streamed, and written down as an export."""

import csv
from collections.abc import Iterator

from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from crm.platform.access.models import Staff
from crm.platform.audit.models import AccessAction
from crm.platform.audit.services import record_access
from crm.platform.feeds.definition import feed_named
from crm.platform.feeds.models import Batch, Reject
from crm.platform.feeds.rejects import rejects_rows

_LINES = 500


def may_export(staff: Staff, batch: Batch) -> bool:
    """Whoever sent the rows may have them back as they were; of others, who works on rejects."""
    return batch.created_by_id == staff.pk or staff.has_perm("feeds.export_reject")


def rejects_response(*, request: HttpRequest, staff: Staff, batch: Batch) -> StreamingHttpResponse:
    """Answer the rejected rows, unmasked, as CSV; the access is recorded first."""
    rejects = Reject.objects.filter(batch=batch).order_by("row_number")
    personal = {column.personal for column in feed_named(batch.feed).columns if column.personal}
    record_access(
        request=request,
        actor=staff,
        action=AccessAction.EXPORT,
        object_type="feeds.reject",
        object_id=batch.number,
        field_classes=personal,
        row_count=batch.rejected,
        at=timezone.now(),
    )
    return StreamingHttpResponse(
        _lines(rejects_rows(batch, rejects)),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="rejects-{batch.number}.csv"',
            "Cache-Control": "no-store",
        },
    )


class _Line:
    """What csv writes to: keeps the line it was given last."""

    text = ""

    def write(self, text: str) -> None:
        self.text = text


def _lines(rows: Iterator[list[str]]) -> Iterator[bytes]:
    line = _Line()
    writer, block = csv.writer(line), ["\ufeff"]  # the mark by which Excel knows UTF-8
    for row in rows:
        writer.writerow(row)
        block.append(line.text)
        if len(block) >= _LINES:
            yield "".join(block).encode()
            block = []
    yield "".join(block).encode()
