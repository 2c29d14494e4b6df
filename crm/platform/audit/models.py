from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.platform.access.models import OrgUnit, Staff
from crm.platform.access.scope import scope_of
from crm.platform.records import uuid7

if TYPE_CHECKING:
    from typing import Self


class AccessAction(models.TextChoices):
    VIEW = "VIEW", _("View")
    SEARCH = "SEARCH", _("Search")
    UNMASK = "UNMASK", _("Unmask")
    EXPORT = "EXPORT", _("Export")
    PRINT = "PRINT", _("Print")
    LOGIN = "LOGIN", _("Log-in")
    DENIED = "DENIED", _("Denied")
    SYSTEM = "SYSTEM", _("System read")


class AccessResult(models.TextChoices):
    OK = "OK", _("done")
    REFUSED = "REFUSED", _("refused")


class AccessRecordQuerySet(models.QuerySet["AccessRecord"]):
    def visible_to(self, staff: Staff) -> "Self":
        """Keep what was done within the auditor's own reach, and by no organisation at all."""
        return self.filter(Q(org__isnull=True) | scope_of(staff).org_filter("org"))


class AccessRecord(models.Model):
    """
    One look at personal data, or one attempt: who, from where, at whom, how much and why.

    Append-only: a trigger refuses UPDATE, DELETE and TRUNCATE. A month leaves by dropping its
    partition. The keys of staff and organisation are not foreign keys in the database: a
    record outlives what it names, and writing one must not lock an account's or a hall's row.
    """

    pk = models.CompositePrimaryKey("at", "id")
    id = models.UUIDField(default=uuid7, editable=False)
    at = models.DateTimeField()
    staff = models.ForeignKey(
        Staff, models.DO_NOTHING, null=True, db_constraint=False, db_index=False, related_name="+"
    )
    org = models.ForeignKey(
        OrgUnit, models.DO_NOTHING, null=True, db_constraint=False, db_index=False, related_name="+"
    )
    role_codes = ArrayField(models.CharField(max_length=30), default=list)
    action = models.CharField(max_length=7, choices=AccessAction)
    result = models.CharField(max_length=7, choices=AccessResult, default=AccessResult.OK)
    object_type = models.CharField(max_length=60)
    object_id = models.CharField(max_length=100, blank=True)
    customer_id = models.BigIntegerField(null=True)
    field_classes = ArrayField(models.CharField(max_length=30), default=list)
    row_count = models.PositiveIntegerField(default=1)
    reason = models.CharField(max_length=500, blank=True)
    interaction_id = models.UUIDField(null=True)
    ip = models.GenericIPAddressField(null=True)
    terminal_digest = models.CharField(max_length=32, blank=True)
    session_digest = models.CharField(max_length=32, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    objects = AccessRecordQuerySet.as_manager()

    class Meta:
        default_permissions = ("view",)
        permissions = [
            ("view_look", "Can see who of their own people looked at a customer"),
            ("view_every_look", "Can see everybody who looked at a customer"),
            ("export_look", "Can answer a customer who asks who looked at them"),
        ]
        indexes = [
            models.Index(name="access_of_customer", fields=["customer_id", "at", "id"]),
            models.Index(name="access_by_staff", fields=["staff", "at", "id"]),
            models.Index(name="access_by_action", fields=["action", "at", "id"]),
        ]
        constraints = [
            models.CheckConstraint(
                name="access_action_known", condition=Q(action__in=AccessAction.values)
            ),
            models.CheckConstraint(
                name="access_result_known", condition=Q(result__in=AccessResult.values)
            ),
            models.CheckConstraint(
                name="access_unmasking_has_a_reason",
                condition=~Q(action=AccessAction.UNMASK) | ~Q(reason=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action} {self.object_type} {self.object_id}"
