from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.platform.access.models import Staff
from crm.platform.records import uuid7
from customers.models.saved_view import ListKind

if TYPE_CHECKING:
    from typing import Self


class BulkAction(models.TextChoices):
    ASSIGN_MANAGER = "ASSIGN_MANAGER", _("Assign an account manager")
    CHANGE_CATEGORY = "CHANGE_CATEGORY", _("Change the category")
    ADD_TAG = "ADD_TAG", _("Add a tag")
    REMOVE_TAG = "REMOVE_TAG", _("Remove a tag")


class BulkChangeQuerySet(models.QuerySet["BulkChange"]):
    def visible_to(self, staff: Staff) -> "Self":
        """Only one's own: the rows of another are of another reach."""
        return self.filter(staff=staff)


class BulkChange(models.Model):
    """
    One change to all customers that matched `conditions` when its job chose them.

    `value` is what they were to get: a staff code ("" for nobody), a category, a tag.
    `job_id` and `undo_job_id` name the background work that does and undoes it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    staff = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    action = models.CharField(max_length=15, choices=BulkAction)
    value = models.CharField(max_length=40, blank=True)
    conditions = models.JSONField(default=list)
    reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    chosen_at = models.DateTimeField(null=True, blank=True)
    job_id = models.UUIDField(null=True, blank=True)
    undo_job_id = models.UUIDField(null=True, blank=True)

    objects = BulkChangeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="bulkchange_action_known", condition=Q(action__in=BulkAction.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.id}"


class BulkOutcome(models.TextChoices):
    CHOSEN = "CHOSEN", _("Not done yet")
    CHANGED = "CHANGED", _("Changed")
    UNCHANGED = "UNCHANGED", _("Was so already")
    REFUSED = "REFUSED", _("Could not be changed")
    UNDONE = "UNDONE", _("Undone")
    KEPT = "KEPT", _("Changed since, so kept")


class BulkItem(models.Model):
    """What became of one customer in a bulk change; `before` is what undoing restores."""

    bulk = models.ForeignKey(BulkChange, models.CASCADE, related_name="items", db_index=False)
    customer_id = models.BigIntegerField()
    outcome = models.CharField(max_length=9, choices=BulkOutcome, default=BulkOutcome.CHOSEN)
    before = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [
            models.Index(name="bulkitem_outcome", fields=["bulk", "outcome", "customer_id"]),
        ]
        constraints = [
            models.UniqueConstraint(name="bulkitem_once", fields=["bulk", "customer_id"]),
            models.CheckConstraint(
                name="bulkitem_outcome_known", condition=Q(outcome__in=BulkOutcome.values)
            ),
            models.CheckConstraint(
                name="bulkitem_refused_has_a_reason",
                condition=~Q(outcome=BulkOutcome.REFUSED) | ~Q(reason=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} in {self.bulk_id}"


class ListExportQuerySet(models.QuerySet["ListExport"]):
    def visible_to(self, staff: Staff) -> "Self":
        """Only one's own: a file holds the rows of one reach."""
        return self.filter(staff=staff)


class ListExport(models.Model):
    """
    All rows of a list that match, as a file for the one who asked, until `expires_at`.

    `rows` is null until the file is whole. The file is named by the id alone.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=11, choices=ListKind)
    staff = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    conditions = models.JSONField(default=list)
    columns = models.JSONField(default=list)
    order = models.CharField(max_length=30, blank=True)
    reason = models.CharField(max_length=300)
    rows = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    job_id = models.UUIDField(null=True, blank=True)

    objects = ListExportQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        permissions = [("export_list", "Can export lists of customers, masked")]
        indexes = [models.Index(name="listexport_expires", fields=["expires_at"])]
        constraints = [
            models.CheckConstraint(
                name="listexport_kind_known", condition=Q(kind__in=ListKind.values)
            ),
            models.CheckConstraint(name="listexport_has_a_reason", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
