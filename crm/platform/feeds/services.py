"""Receiving files and running them: what commands, pages and REST call."""

from datetime import datetime
from pathlib import Path

from django.db import connection
from django.utils.translation import gettext as _

from crm.platform.access.models import Staff
from crm.platform.feeds.definition import FeedRefused, feed_named
from crm.platform.feeds.engine import run_batch
from crm.platform.feeds.mapping_reader import read_mapping
from crm.platform.feeds.models import Batch, BatchStatus
from crm.platform.feeds.staging import Progress


def receive(
    *,
    feed: str,
    path: Path,
    actor: Staff | None,
    at: datetime,
    mapping_name: str = "",
    mapping_text: str = "",
    dry_run: bool = False,
    error_percent: int | None = None,
) -> Batch:
    """
    Take note of a file that lies at `path`; nothing of it is read yet.

    `error_percent`: refuse the whole file when more of its rows are rejected; None never.

    :raises FeedRefused: for an unknown feed, a wrong mapping, or no such file.
    """
    feed_named(feed)
    if mapping_text:
        read_mapping(mapping_text, feed=feed)
    if not path.is_file():
        raise FeedRefused(_("There is no file %(path)s.") % {"path": path}, code="file_missing")
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('feeds_batch', 'id'))")
        pk = cursor.fetchone()[0]
    return Batch.objects.create(
        pk=pk,
        number=f"{at:%Y%m%d}-{pk}",
        feed=feed,
        file_name=path.name[-255:],
        file_path=str(path.absolute()),
        bytes=path.stat().st_size,
        mapping_name=mapping_name[:100],
        mapping_text=mapping_text,
        is_dry_run=dry_run,
        error_percent=error_percent,
        created_by=actor,
        received_at=at,
    )


def import_file(
    *,
    feed: str,
    path: Path,
    actor: Staff | None,
    at: datetime,
    progress: Progress,
    mapping_name: str = "",
    mapping_text: str = "",
    dry_run: bool = False,
    error_percent: int | None = None,
) -> Batch:
    """
    Receive a file and run it to its end; or go on with a run of it that was interrupted.

    :raises FeedRefused: if it cannot be taken; nothing of it was applied then.
    """
    batch = None
    if not dry_run:
        batch = _interrupted(feed=feed, path=path, mapping_text=mapping_text)
    if batch is None:
        batch = receive(
            feed=feed,
            path=path,
            actor=actor,
            at=at,
            mapping_name=mapping_name,
            mapping_text=mapping_text,
            dry_run=dry_run,
            error_percent=error_percent,
        )
    return run_batch(batch_id=batch.pk, progress=progress, at=at)


def _interrupted(*, feed: str, path: Path, mapping_text: str) -> Batch | None:
    """Return the unfinished run of the same file, if its process is gone."""
    return (
        Batch.objects.filter(
            feed=feed,
            file_path=str(path.absolute()),
            mapping_text=mapping_text,
            is_dry_run=False,
            status__in=[BatchStatus.RUNNING, BatchStatus.INTERRUPTED],
            bytes=path.stat().st_size if path.is_file() else -1,
        )
        .order_by("-pk")
        .first()
    )
