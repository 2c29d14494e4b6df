from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.platform.access.models import OrgUnit, Role, Staff
from crm.platform.records import TimeStamped

if TYPE_CHECKING:
    from typing import Self


class ListKind(models.TextChoices):
    """Of what a list is. The values stand in addresses."""

    CUSTOMERS = "customers", _("Customers")
    SUBSCRIBERS = "subscribers", _("Subscribers")
    ACCOUNTS = "accounts", _("Accounts")


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def visible_to(self, staff: Staff) -> "Self":
        """One's own views, those shared with one's unit or a unit above it, or with a role."""
        shared = Q(role__group__in=staff.groups.values("pk"))
        if staff.org is not None:
            codes = staff.org.path.rstrip("/").split("/")
            above = ["/".join(codes[: n + 1]) + "/" for n in range(len(codes))]
            shared |= Q(org__path__in=above)
        return self.filter(Q(owner=staff) | shared)


class SavedView(TimeStamped):
    """
    A list as somebody wants to see it again: conditions, columns and order, never rows.

    Shared with a unit and all below it (`org`), or with the holders of a role, or with nobody.
    Whoever opens it sees the rows of their own reach. `conditions` are those of
    `customers.filters`, as `Condition.to_json` writes them.
    """

    kind = models.CharField(max_length=11, choices=ListKind)
    name = models.CharField(max_length=60)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    org = models.ForeignKey(OrgUnit, models.CASCADE, null=True, blank=True, related_name="+")
    role = models.ForeignKey(Role, models.CASCADE, null=True, blank=True, related_name="+")
    conditions = models.JSONField(default=list)
    columns = models.JSONField(default=list)
    order = models.CharField(max_length=30, blank=True)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        permissions = [("share_view", "Can share saved views of lists")]
        constraints = [
            models.CheckConstraint(
                name="savedview_kind_known", condition=Q(kind__in=ListKind.values)
            ),
            models.CheckConstraint(name="savedview_has_a_name", condition=~Q(name="")),
            models.CheckConstraint(
                name="savedview_shared_one_way", condition=Q(org=None) | Q(role=None)
            ),
            models.UniqueConstraint(
                name="savedview_name_once_per_owner", fields=["owner", "kind", "name"]
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_shared(self) -> bool:
        return self.org_id is not None or self.role_id is not None


class DefaultView(TimeStamped):
    """The view with which an account's list opens."""

    staff = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=11, choices=ListKind)
    view = models.ForeignKey(SavedView, models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="defaultview_one_per_list", fields=["staff", "kind"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.staff_id}"
