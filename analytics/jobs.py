"""Analytics' background work."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from analytics.metrics.refreshing import JOB, refresh_metrics
from crm.platform.jobs.registry import JobContext, job


@job(JOB, queue="bulk", label=_("Counting the dashboards' figures"))
def count_metrics(context: JobContext) -> dict[str, Any]:
    rows = refresh_metrics(at=context.at, today=timezone.localdate(context.at))
    return {"figures": rows}
