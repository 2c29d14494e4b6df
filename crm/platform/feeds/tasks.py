"""What leaves by itself: uploaded files, once nobody has needed them for a while."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from celery import shared_task
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from crm.platform.feeds.models import Batch
from crm.platform.feeds.uploads import uploads_folder

ARRIVING = timedelta(days=1)


@shared_task(name="feeds.forget_files", ignore_result=True)
def forget_files(**_future: Any) -> None:
    """
    Beat: uploaded files are deleted FEED_KEEP_DAYS after the last batch that read them ended,
    and a day after they came where no batch was made of them. Rejected rows stay.
    """
    forget_files_before(now=timezone.now())


def forget_files_before(*, now: datetime) -> int:
    """Delete what is due; return how many files that were."""
    folder = uploads_folder().absolute()
    if not folder.is_dir():
        return 0
    due = [path for path in folder.iterdir() if path.is_dir() and _is_due(path, now)]
    for path in due:
        shutil.rmtree(path)
    return len(due)


def _is_due(folder: Path, now: datetime) -> bool:
    arrived = datetime.fromtimestamp(folder.stat().st_mtime, tz=now.tzinfo)
    if arrived > now - ARRIVING:
        return False
    batches = Batch.objects.filter(file_path__in=[str(path) for path in folder.iterdir()])
    recent = now - timedelta(days=settings.FEED_KEEP_DAYS)
    return not batches.filter(Q(finished_at=None) | Q(finished_at__gt=recent)).exists()
