"""Celery's door into analytics: read the clock, call one service."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from analytics.metrics.refreshing import count_soon


@shared_task(name="analytics.count_metrics", ignore_result=True)
def count_metrics(**_future: Any) -> None:
    """Beat: figures follow what changed without a feed, and the month that ended."""
    count_soon(at=timezone.now())
