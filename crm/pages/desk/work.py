"""Panels about work that runs by itself: deliveries of other systems, and jobs."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Max, Q

from crm.platform.access.requests import StaffRequest
from crm.platform.feeds.models import Batch, BatchStatus
from crm.platform.jobs.models import Job, JobStatus

LOOKED_BACK = timedelta(days=14)
SHOWN = 10


def troubled_batches(_request: StaffRequest, at: datetime) -> dict[str, Any]:
    """Deliveries of the last fortnight with rows turned away, refused whole, or cut off."""
    batches = (
        Batch.objects.filter(received_at__gte=at - LOOKED_BACK)
        .filter(
            Q(rejected__gt=0) | Q(status__in=[BatchStatus.REFUSED, BatchStatus.INTERRUPTED]),
            corrections=None,
        )
        .exclude(status=BatchStatus.UNDONE)
        .order_by("-pk")[:SHOWN]
    )
    return {"batches": batches}


def latest_batches(_request: StaffRequest, _at: datetime) -> dict[str, Any]:
    """The latest delivery of each feed that ever delivered."""
    latest = Batch.objects.filter(is_dry_run=False).values("feed").annotate(newest=Max("pk"))
    pks = [row["newest"] for row in latest]
    return {"batches": Batch.objects.filter(pk__in=pks).order_by("feed")}


def failed_jobs(_request: StaffRequest, at: datetime) -> dict[str, Any]:
    """Jobs that failed in the last fortnight and were not started again, newest first."""
    jobs = (
        Job.objects.filter(status=JobStatus.FAILED, finished_at__gte=at - LOOKED_BACK)
        .select_related("created_by")
        .order_by(F("finished_at").desc(), "-pk")[:SHOWN]
    )
    return {"jobs": jobs}


def own_jobs(request: StaffRequest, _at: datetime) -> dict[str, Any]:
    """The newest jobs this account started."""
    return {"jobs": Job.objects.filter(created_by=request.user.pk).order_by("-pk")[:SHOWN]}
