"""Celery's side of the outbox: ring, run once, and sweep up what was lost."""

import logging
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any

from celery import shared_task
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from crm.platform.doorbell import ring
from crm.platform.errors import DomainError
from crm.platform.events.handlers import handler_of
from crm.platform.events.models import MAX_ATTEMPTS, Delivery, Event

FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(hours=1)
RING_AGAIN_AFTER = timedelta(seconds=15)
SWEEP_AT_MOST = 2000
KEEP_DONE = timedelta(days=30)

logger = logging.getLogger(__name__)


@shared_task(name="events.deliver", acks_late=True, ignore_result=True)
def deliver(*, delivery_id: int, **_future: Any) -> None:
    """
    Run one handler once. Safe to call any number of times, from any number of workers.

    The attempt is counted before the handler runs, so that one which kills its worker is
    counted, too; the handler's work and the done mark commit together.
    """
    if not _begin_attempt(delivery_id):
        return
    try:
        with transaction.atomic():
            owed = Delivery.objects.select_for_update(skip_locked=True).filter(done_at=None)
            delivery = owed.filter(pk=delivery_id).first()
            if delivery is None:  # in another worker's hands
                return
            event = Event.objects.get(pk=(delivery.occurred_at, delivery.event_id))
            handler_of(delivery.event_name, delivery.handler)(event)
            delivery.done_at, delivery.failed_reason = timezone.now(), ""
            delivery.save(update_fields=["done_at", "failed_reason"])
    except Exception as exc:
        _note_failure(delivery_id, exc)
        raise


def _begin_attempt(delivery_id: int) -> bool:
    """Count the attempt and set the time of the next; False if it is done, running or not due."""
    now = timezone.now()
    with transaction.atomic():
        delivery = (
            Delivery.objects.select_for_update(skip_locked=True)
            .pending()
            .filter(pk=delivery_id, next_attempt_at__lte=now)
            .first()
        )
        if delivery is None:
            return False
        pause = min(FIRST_PAUSE * 2**delivery.attempts, LONGEST_PAUSE)
        delivery.attempts += 1
        delivery.next_attempt_at = now + pause
        delivery.save(update_fields=["attempts", "next_attempt_at"])
    return True


def _note_failure(delivery_id: int, exc: Exception) -> None:
    Delivery.objects.filter(pk=delivery_id).update(failed_reason=_reason(exc)[:300])
    if Delivery.objects.given_up().filter(pk=delivery_id).exists():
        logger.error("Delivery %s was given up after %s attempts", delivery_id, MAX_ATTEMPTS)


def _reason(exc: Exception) -> str:
    """Say what failed and where. Only a refusal may be quoted: other texts can hold rows."""
    if isinstance(exc, DomainError):
        return str(exc)
    ours = [
        frame
        for frame in traceback.extract_tb(exc.__traceback__)
        if Path(frame.filename).is_relative_to(settings.BASE_DIR)
        and "site-packages" not in frame.filename
    ]
    if not ours:
        return type(exc).__name__
    where = Path(ours[-1].filename).relative_to(settings.BASE_DIR)
    return f"{type(exc).__name__} at {where}:{ours[-1].lineno}"


@shared_task(name="events.deliver_overdue", ignore_result=True)
def deliver_overdue(**_future: Any) -> None:
    """Beat: what the broker lost, or a handler failed at, is tried again when it is due."""
    now = timezone.now()
    due = Delivery.objects.pending().filter(
        next_attempt_at__lte=now, rung_at__lte=now - RING_AGAIN_AFTER
    )
    owed = list(due.order_by("next_attempt_at").values_list("pk", flat=True)[:SWEEP_AT_MOST])
    Delivery.objects.filter(pk__in=owed).update(rung_at=now)
    for pk in owed:
        if not ring(deliver, delivery_id=pk):
            break


@shared_task(name="events.forget_done", ignore_result=True)
def forget_done(**_future: Any) -> None:
    """Beat, daily: deliveries done a month ago leave in bites; their events stay."""
    old = Delivery.objects.filter(done_at__lt=timezone.now() - KEEP_DONE).order_by("pk")
    while bite := list(old.values_list("pk", flat=True)[:5000]):
        Delivery.objects.filter(pk__in=bite).delete()
