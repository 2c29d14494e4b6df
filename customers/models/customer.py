from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.platform.access.models import OrgUnit, Reach, Staff
from crm.platform.access.scope import scope_of
from crm.platform.records import TimeStamped
from customers.models.party import Party


class CustomerCategory(models.TextChoices):
    PUBLIC = "PUBLIC", _("Public")
    ENTERPRISE = "ENTERPRISE", _("Enterprise")
    VIP = "VIP", _("VIP")


class CustomerStatus(models.TextChoices):
    PROSPECT = "PROSPECT", _("Prospect")
    ACTIVE = "ACTIVE", _("Active")
    DORMANT = "DORMANT", _("Dormant")
    LOST = "LOST", _("Lost")
    MERGED = "MERGED", _("Merged into another")


class CustomerQuerySet(models.QuerySet["Customer"]):
    def visible_to(self, staff: Staff) -> "CustomerQuerySet":
        """
        The customers within the account's reach; for the analyst, planner and admin: none.

        A record that was merged into another is found under the other alone.
        """
        return self.within_reach(staff).filter(merged_into=None)

    def within_reach(self, staff: Staff) -> "CustomerQuerySet":
        """The same, with the records that were merged into others."""
        scope = scope_of(staff)
        if scope.reach == Reach.NONE:
            return self.none()
        if scope.reach == Reach.ASSIGNED:
            return self.filter(manager=staff)
        return self.filter(scope.org_filter())


class Customer(TimeStamped):
    """
    A party in the role of customer (客户): the one record that every desk shares.

    `characteristics` holds whatever else the operator's files carry, typed by
    CharacteristicSpec; `characteristics_as_of` is the date they describe, so that a model
    trained for an earlier date does not read them. `source` names the system or file that
    masters the record.
    `merged_into` is the customer who has everything of this one since a merge, never one who
    was merged away in turn.
    """

    number = models.CharField(max_length=32, unique=True, db_collation="C")
    party = models.OneToOneField(Party, models.PROTECT, related_name="customer")
    category = models.CharField(
        max_length=10, choices=CustomerCategory, default=CustomerCategory.PUBLIC
    )
    status = models.CharField(max_length=8, choices=CustomerStatus, default=CustomerStatus.ACTIVE)
    star = models.PositiveSmallIntegerField(default=0)
    home_org = models.ForeignKey(OrgUnit, models.PROTECT, related_name="+")
    manager = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    opened_on = models.DateField()
    source = models.CharField(max_length=40, default="crm")
    characteristics = models.JSONField(default=dict, blank=True)
    characteristics_as_of = models.DateField(null=True, blank=True)
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="absorbed", db_index=False
    )

    objects = CustomerQuerySet.as_manager()

    class Meta:
        permissions = [
            ("search_customer", "Can find a customer by an exact number"),
            ("search_customer_by_name", "Can find customers by part of a name"),
            ("list_customer", "Can list customers, lines and accounts"),
            ("assign_manager", "Can assign customers to an account manager"),
            ("change_category", "Can change the category of customers"),
            ("unmask_contact", "Can see a name, phone or address in full, for a reason"),
        ]
        indexes = [
            models.Index(name="customer_by_opening", fields=["opened_on", "id"]),
            models.Index(
                name="customer_merged_into",
                fields=["merged_into"],
                condition=~Q(merged_into=None),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="customer_category_known", condition=Q(category__in=CustomerCategory.values)
            ),
            models.CheckConstraint(
                name="customer_status_known", condition=Q(status__in=CustomerStatus.values)
            ),
            models.CheckConstraint(name="customer_star_0_to_7", condition=Q(star__lte=7)),
            models.CheckConstraint(
                name="customer_merged_iff_into_another",
                condition=(Q(status=CustomerStatus.MERGED) & ~Q(merged_into=None))
                | (~Q(status=CustomerStatus.MERGED) & Q(merged_into=None)),
            ),
            models.CheckConstraint(
                name="customer_not_merged_into_itself",
                condition=Q(merged_into=None) | ~Q(merged_into=models.F("id")),
            ),
        ]

    def __str__(self) -> str:
        return self.number


class CharacteristicType(models.TextChoices):
    TEXT = "TEXT", _("Text")
    INTEGER = "INTEGER", _("Whole number")
    DECIMAL = "DECIMAL", pgettext_lazy("a type of values", "Number")
    BOOLEAN = "BOOLEAN", _("Yes or no")
    DATE = "DATE", _("Date")


class CharacteristicEntity(models.TextChoices):
    CUSTOMER = "CUSTOMER", _("Customer")
    SUBSCRIBER = "SUBSCRIBER", _("Subscriber")
    ACCOUNT = "ACCOUNT", _("Account")


class CharacteristicSpec(TimeStamped):
    """
    A declared extra column: what it is called, what type it has, what it means.

    Values live in `characteristics` of the entity's row under `code`, as JSON of that type
    (a date as "YYYY-MM-DD"). Filters, segments and models read the declaration, so a new
    column of an operator's file needs no code.
    """

    entity = models.CharField(max_length=10, choices=CharacteristicEntity)
    code = models.SlugField(max_length=60)
    value_type = models.CharField(max_length=8, choices=CharacteristicType)
    name = models.CharField(max_length=100)
    name_zh = models.CharField(max_length=100, blank=True)
    meaning = models.CharField(max_length=300, blank=True)
    source = models.CharField(max_length=40, blank=True)
    is_model_feature = models.BooleanField(default=True)

    class Meta:
        ordering = ["entity", "code"]
        constraints = [
            models.UniqueConstraint(fields=["entity", "code"], name="characteristicspec_once"),
            models.CheckConstraint(
                name="characteristicspec_type_known",
                condition=Q(value_type__in=CharacteristicType.values),
            ),
            models.CheckConstraint(
                name="characteristicspec_entity_known",
                condition=Q(entity__in=CharacteristicEntity.values),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entity}.{self.code}"
