"""The life of a job in its worker: claimed once, ended once, put back when the worker died."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from crm.platform.bus import announce
from crm.platform.jobs.models import Job, JobStatus

LOST_AFTER = timedelta(seconds=30)
RING_AGAIN_AFTER = timedelta(seconds=10)
LONGEST_SILENCE = timedelta(seconds=120)


def channel_of(job_id: UUID | str) -> str:
    return f"live:job:{job_id}"


def tell_watchers(job_id: UUID) -> None:
    announce(channel_of(job_id))


def claim(*, job_id: str, attempt: int, at: datetime) -> Job | None:
    """
    Take a waiting job for this worker; None if another message of the same start did.

    `attempt` is how many starts the job had when the message was sent.
    """
    waiting = Job.objects.filter(pk=job_id, status=JobStatus.QUEUED, attempt=attempt)
    if not waiting.update(
        status=JobStatus.RUNNING,
        attempt=attempt + 1,
        started_at=at,
        heartbeat_at=at,
        done=0,
        total=None,
        message="",
    ):
        return None
    job = Job.objects.select_related("created_by").get(pk=job_id)
    tell_watchers(job.pk)
    return job


def end(job: Job, status: JobStatus, *, at: datetime, **fields: Any) -> bool:
    """
    End the run that `job` was claimed for; False if that run no longer counts.

    A cancelled job always has been asked to, since only then does it stop.
    """
    running = Job.objects.filter(pk=job.pk, status=JobStatus.RUNNING, attempt=job.attempt)
    ended = running.update(status=status, finished_at=at, **fields)
    tell_watchers(job.pk)
    return bool(ended)


def lost_jobs(at: datetime) -> list[UUID]:
    """Return the running jobs whose worker has not been heard of for half a minute."""
    silent = Job.objects.filter(status=JobStatus.RUNNING, heartbeat_at__lt=at - LOST_AFTER)
    return list(silent.order_by("heartbeat_at").values_list("pk", flat=True)[:500])


@transaction.atomic
def take_back(*, job_id: UUID, at: datetime) -> Job | None:
    """
    Put a job whose worker died back in its queue, or end it: cancelled where that was asked
    for, failed after its last try. None if it is alive or somebody else looks after it.
    """
    job = Job.objects.select_for_update(skip_locked=True).filter(pk=job_id).first()
    if job is None or job.status != JobStatus.RUNNING or not job.is_silent_since(at - LOST_AFTER):
        return None
    if job.cancel_requested_at:
        job.move_to(JobStatus.CANCELLED)
        job.finished_at = at
    elif job.attempt >= job.attempt_limit:
        job.move_to(JobStatus.FAILED)
        job.finished_at = at
        with translation.override(job.language):
            job.error = _(
                "The worker stopped without a word, %(times)s times in a row. Nothing that was "
                "finished is lost; start the job again once the cause is found."
            ) % {"times": job.attempt}
    else:
        job.move_to(JobStatus.QUEUED)
        job.requeue(at=at, ring_at=at)
    job.save()
    transaction.on_commit(partial(tell_watchers, job_id))
    return job


def jobs_to_ring_for(at: datetime) -> list[Job]:
    """
    Return the waiting jobs whose message may have been lost, and note that they are rung for.

    The pauses double up to two minutes: a message is only lost with its broker, and a long
    queue must not fill up with copies.
    """
    waiting = Job.objects.filter(status=JobStatus.QUEUED, ring_at__lte=at).order_by("ring_at")
    jobs = list(waiting[:500])
    for job in jobs:
        pause = min(RING_AGAIN_AFTER * 2**job.rings, LONGEST_SILENCE)
        Job.objects.filter(pk=job.pk, status=JobStatus.QUEUED, attempt=job.attempt).update(
            rings=min(job.rings + 1, 10), ring_at=at + pause
        )
    return jobs
