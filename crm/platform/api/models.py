from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from crm.platform.access.models import Staff
from crm.platform.records import TimeStamped

RATE_PER_MINUTE = 1200


class SystemClient(TimeStamped):
    """
    A named system that calls us with OAuth client credentials, as an account of its own.

    What it may do is the lesser of two: the permissions of its account, and the scopes of
    its token.
    """

    application = models.OneToOneField(
        "oauth2_provider.Application",
        models.CASCADE,
        primary_key=True,
        related_name="system_client",
    )
    account = models.OneToOneField(Staff, models.PROTECT, related_name="system_client")
    scopes = ArrayField(models.CharField(max_length=60))
    rate_per_minute = models.PositiveIntegerField(default=RATE_PER_MINUTE)

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(
                name="systemclient_may_do_something", condition=~Q(scopes__len=0)
            ),
            models.CheckConstraint(
                name="systemclient_rate_positive", condition=Q(rate_per_minute__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return str(self.account)


class IdempotencyKey(models.Model):
    """
    One key of one caller on one route: claimed while its request runs, then its answer.

    `token` is the claim of the request that runs. A claim whose request died may be taken over
    after `HARD_LIMIT`; the slow one then finds its token gone and undoes its own work.
    """

    HARD_LIMIT = timedelta(seconds=60)
    KEPT = timedelta(hours=24)

    staff = models.ForeignKey(Staff, models.CASCADE, related_name="+")
    route = models.CharField(max_length=200)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    token = models.UUIDField()
    claimed_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.BinaryField(default=b"")
    headers = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                name="idempotencykey_once_per_route", fields=["staff", "route", "key"]
            ),
            models.CheckConstraint(
                name="idempotencykey_expires_after_its_claim",
                condition=Q(expires_at__gt=F("claimed_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"
