"""Celery's side of the jobs, and the upkeep that the ground itself needs."""

import json
import logging
from typing import Any

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from crm.platform import partitions
from crm.platform.doorbell import ring
from crm.platform.errors import DomainError
from crm.platform.history.attribution import attributed
from crm.platform.jobs.models import Job, JobStatus
from crm.platform.jobs.pulse import Pulse
from crm.platform.jobs.registry import JobCancelled, JobLost, kind_of
from crm.platform.jobs.running import claim, end, jobs_to_ring_for, lost_jobs, take_back

logger = logging.getLogger(__name__)


@shared_task(name="jobs.run", acks_late=True, ignore_result=True)
def run(*, job_id: str, attempt: int, **_future: Any) -> None:
    """Run a job. Of all the messages of one start, however many, one does."""
    job = claim(job_id=job_id, attempt=attempt, at=timezone.now())
    if job is None:
        return
    with translation.override(job.language):
        status, fields = _outcome(job)
        if status is not None and not end(job, status, at=timezone.now(), **fields):
            logger.warning("Job %s ended after it had been given to another worker", job_id)


def _outcome(job: Job) -> tuple[JobStatus | None, dict[str, Any]]:
    """Run the function; return the status it leads to and what else the row should say."""
    with Pulse(job) as pulse:
        try:
            with attributed(actor_id=job.created_by_id, via=f"job {job.pk}"):
                result = kind_of(job.kind).run(pulse, **job.params) or {}
            json.dumps(result, allow_nan=False)
        except JobLost:
            return None, {}
        except JobCancelled:
            return JobStatus.CANCELLED, pulse.last_words
        except DomainError as refusal:
            return JobStatus.FAILED, pulse.last_words | {"error": str(refusal)[:1000]}
        except SoftTimeLimitExceeded:
            error = _("The job took longer than is allowed and was stopped.")
            return JobStatus.FAILED, pulse.last_words | {"error": error}
        except Exception:
            logger.exception("Job %s of kind %s failed", job.pk, job.kind)
            error = _("The job failed through a fault of the program. It has been logged.")
            return JobStatus.FAILED, pulse.last_words | {"error": error}
    return JobStatus.SUCCEEDED, pulse.last_words | {"result": result}


@shared_task(name="jobs.sweep", ignore_result=True)
def sweep(**_future: Any) -> None:
    """Beat: jobs whose worker died are put back, and those whose message was lost rung for."""
    now = timezone.now()
    for job_id in lost_jobs(now):
        take_back(job_id=job_id, at=now)
    for job in jobs_to_ring_for(now):
        ring(run, queue=job.queue, job_id=str(job.pk), attempt=job.attempt)


@shared_task(name="platform.ensure_partitions", ignore_result=True)
def ensure_partitions(**_future: Any) -> None:
    """Beat, daily: every partitioned table has its next months."""
    made = partitions.ensure_partitions(at=timezone.now())
    if made:
        logger.info("Made partitions: %s", ", ".join(made))
