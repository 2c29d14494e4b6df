"""Signs of life: a worker that takes tasks leaves one at least every fifteen seconds."""

from typing import Any

from celery import Task, shared_task, signals
from django.conf import settings

from crm.platform.health.broker import leave_sign_of_life


@shared_task(name="platform.sign_of_life", bind=True)
def sign_of_life(self: Task, **_future: Any) -> None:
    """Be taken from a queue: the rest follows from that."""


@signals.worker_ready.connect
def _worker_ready(sender: Any, **_signal: Any) -> None:
    for queue in sender.app.amqp.queues.consume_from:
        leave_sign_of_life(queue=queue)


@signals.task_prerun.connect
def _task_begins(task: Task, **_signal: Any) -> None:
    if queue := _queue(task):
        leave_sign_of_life(queue=queue, busy_seconds=settings.TASK_SECONDS)


@signals.task_postrun.connect
def _task_ends(task: Task, **_signal: Any) -> None:
    if queue := _queue(task):
        leave_sign_of_life(queue=queue)


def _queue(task: Task) -> str | None:
    found = (task.request.delivery_info or {}).get("routing_key")
    return found if found in settings.QUEUES else None
