from django.db import models
from django.db.models import Q
from django.utils import timezone

from crm.platform.access.models import Staff
from crm.platform.records import uuid7

MAX_ATTEMPTS = 10


class Event(models.Model):
    """
    One thing that happened. Append only: timeline, webhooks and reactions all read it.

    Partitioned by month of `occurred_at`. `data` holds ids and facts, never a person's name or
    number, so a request for erasure does not touch it. The actor is no foreign key in the
    database: writing an event must not lock the account's row.
    """

    pk = models.CompositePrimaryKey("occurred_at", "id")
    id = models.UUIDField(default=uuid7, editable=False)
    occurred_at = models.DateTimeField()
    name = models.CharField(max_length=100)
    actor = models.ForeignKey(
        Staff, models.DO_NOTHING, null=True, db_constraint=False, db_index=False, related_name="+"
    )
    data = models.JSONField(default=dict)

    class Meta:
        default_permissions = ("view",)
        indexes = [models.Index(name="event_by_name", fields=["name", "occurred_at", "id"])]

    def __str__(self) -> str:
        return f"{self.name} {self.id}"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def pending(self) -> "DeliveryQuerySet":
        return self.filter(done_at=None, attempts__lt=MAX_ATTEMPTS)

    def given_up(self) -> "DeliveryQuerySet":
        """Keep those that failed too often; somebody must look."""
        return self.filter(done_at=None, attempts__gte=MAX_ATTEMPTS)

    def count_owed(self) -> dict[str, float]:
        """Return how many deliveries wait, and how many were given up."""
        return {
            "waiting": float(self.pending().count()),
            "given_up": float(self.given_up().count()),
        }

    def seconds_late(self) -> float:
        """Return how long the delivery longest due has waited; 0 if none is due."""
        due_since = self.pending().aggregate(first=models.Min("next_attempt_at"))["first"]
        return max(0.0, (timezone.now() - due_since).total_seconds()) if due_since else 0.0


class Delivery(models.Model):
    """One event owed to one handler. Stays pending until the handler's work has committed."""

    event_id = models.UUIDField()
    occurred_at = models.DateTimeField()
    event_name = models.CharField(max_length=100)
    handler = models.CharField(max_length=200)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    rung_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)
    failed_reason = models.CharField(max_length=300, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        default_permissions = ("view", "change")
        constraints = [
            models.UniqueConstraint(
                name="delivery_once_per_handler", fields=["event_id", "handler"]
            ),
            models.CheckConstraint(
                name="delivery_attempts_have_an_end", condition=Q(attempts__lte=MAX_ATTEMPTS)
            ),
        ]
        indexes = [
            models.Index(
                name="delivery_due",
                fields=["next_attempt_at"],
                condition=Q(done_at=None, attempts__lt=MAX_ATTEMPTS),
            ),
            models.Index(
                name="delivery_given_up",
                fields=["id"],
                condition=Q(done_at=None, attempts__gte=MAX_ATTEMPTS),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_name} {self.event_id} -> {self.handler}"
