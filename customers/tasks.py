"""Celery's door into customers: read the clock, call one service."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from customers.services.exports import forget_exports


@shared_task(name="customers.forget_exports", ignore_result=True)
def forget_expired_exports(**_future: Any) -> None:
    """Beat: files of exports whose time is over are deleted."""
    forget_exports(at=timezone.now())
