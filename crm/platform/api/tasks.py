"""What leaves by itself: answers after a day, tokens after an hour."""

from typing import Any

from celery import shared_task
from django.utils import timezone
from oauth2_provider.models import clear_expired

from crm.platform.api.models import IdempotencyKey


@shared_task(name="api.forget_expired", ignore_result=True)
def forget_expired(**_future: Any) -> None:
    """Beat: idempotency keys and tokens whose time is over are deleted."""
    IdempotencyKey.objects.filter(expires_at__lt=timezone.now()).delete()
    clear_expired()
