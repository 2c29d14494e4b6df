from datetime import timedelta
from typing import Any

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.platform.jobs.models import Job
from crm.platform.jobs.registry import result_labels_of

register = template.Library()


@register.filter
def elapsed(job: Job) -> str:
    """Return how long the job ran, or has been running ("1 min 20 s"); nothing before."""
    if job.started_at is None:
        return ""
    took = (job.finished_at or timezone.now()) - job.started_at
    seconds = max(0, int(took / timedelta(seconds=1)))
    if seconds < 60:
        return _("%(s)d s") % {"s": seconds}
    if seconds < 3600:
        return _("%(m)d min %(s)d s") % {"m": seconds // 60, "s": seconds % 60}
    return _("%(h)d h %(m)d min") % {"h": seconds // 3600, "m": seconds % 3600 // 60}


@register.filter
def facts(job: Job) -> list[tuple[str, Any]]:
    """Return what the job answered as (label, value); nested answers are for its own page."""
    labels = result_labels_of(job.kind)
    return [
        (str(labels.get(name, name.replace("_", " "))), value)
        for name, value in (job.result or {}).items()
        if value is not None and not isinstance(value, dict | list)
    ]


@register.filter
def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
