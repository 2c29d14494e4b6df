"""Starting, cancelling and retrying background work."""

import json
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext as _

from crm.platform.access.models import Staff
from crm.platform.doorbell import ring_on_commit
from crm.platform.jobs.models import TRIES, IllegalMove, Job, JobStatus
from crm.platform.jobs.registry import kind_of
from crm.platform.jobs.running import RING_AGAIN_AFTER, tell_watchers
from crm.platform.jobs.tasks import run

_LOCK_SPACE = 0x4A4F4253


@transaction.atomic
def start_job(*, kind: str, params: dict[str, Any], actor: Staff | None, at: datetime) -> Job:
    """
    Put a job in its queue; a worker hears of it when the caller's transaction has committed.

    :raises LookupError: if there is no such kind.
    :raises TypeError: for parameters that JSON does not know.
    """
    json.dumps(params, allow_nan=False)
    job = Job.objects.create(
        kind=kind,
        queue=kind_of(kind).queue,
        params=params,
        created_by=actor,
        created_at=at,
        queued_at=at,
        ring_at=at + RING_AGAIN_AFTER,
    )
    ring_on_commit(run, queue=job.queue, job_id=str(job.pk), attempt=job.attempt)
    return job


@transaction.atomic
def start_once(*, kind: str, params: dict[str, Any], actor: Staff, at: datetime) -> Job:
    """
    Return the actor's open job of this kind with these parameters, or start it: a second click
    is no second job.

    :raises LookupError: if there is no such kind.
    :raises TypeError: for parameters that JSON does not know.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK_SPACE, kind])
    asked = Job.objects.open().filter(kind=kind, params=params, created_by=actor)
    return asked.first() or start_job(kind=kind, params=params, actor=actor, at=at)


@transaction.atomic
def request_cancel(*, job_id: UUID, actor: Staff, at: datetime) -> Job:
    """
    Cancel a waiting job; ask a running one to stop, which it does at its next progress.

    Asking twice changes nothing.

    :raises IllegalMove: if the job has ended already.
    """
    job = Job.objects.select_for_update().get(pk=job_id)
    if job.is_finished:
        raise IllegalMove(
            _("This job is %(now)s; there is nothing left to cancel.")
            % {"now": job.get_status_display().lower()}
        )
    if job.cancel_requested_at is None:
        job.cancel_requested_at, job.cancelled_by = at, actor
    if job.status == JobStatus.QUEUED:
        job.move_to(JobStatus.CANCELLED)
        job.finished_at = at
    job.save(update_fields=["status", "finished_at", "cancel_requested_at", "cancelled_by"])
    transaction.on_commit(partial(tell_watchers, job_id))
    return job


@transaction.atomic
def retry_job(*, job_id: UUID, actor: Staff, at: datetime) -> Job:
    """
    Put a failed or cancelled job back in its queue, with the same parameters.

    :raises IllegalMove: if it waits, runs or succeeded.
    """
    job = Job.objects.select_for_update().get(pk=job_id)
    job.move_to(JobStatus.QUEUED)
    job.requeue(at=at, ring_at=at + RING_AGAIN_AFTER)
    job.attempt_limit = job.attempt + TRIES
    job.created_by = job.created_by or actor
    job.save()
    ring_on_commit(run, queue=job.queue, job_id=str(job.pk), attempt=job.attempt)
    transaction.on_commit(partial(tell_watchers, job_id))
    return job
