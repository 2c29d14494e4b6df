from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, Group, PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Concat
from django.utils.translation import gettext_lazy as _

from crm.platform.records import TimeStamped


class OrgLevel(models.TextChoices):
    PROVINCE = "PROVINCE", _("Province")
    CITY = "CITY", _("City")
    DISTRICT = "DISTRICT", _("District")
    HALL = "HALL", _("Business hall")
    TEAM = "TEAM", _("Team")


class OrgUnit(TimeStamped):
    """
    One node of the operator's organisation: province → city → district → hall or team.

    `path` is the chain of codes from the root, each ended by a slash ("JS/NJ/GL/"), so a
    subtree is one prefix and needs no recursion.
    """

    code = models.SlugField(max_length=20, unique=True)
    name = models.CharField(max_length=100)
    name_en = models.CharField(max_length=100, blank=True)
    level = models.CharField(max_length=10, choices=OrgLevel)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="units")
    path = models.CharField(max_length=200, unique=True, db_collation="C")

    class Meta:
        ordering = ["path"]
        constraints = [
            models.CheckConstraint(
                name="orgunit_level_known", condition=Q(level__in=OrgLevel.values)
            ),
            models.CheckConstraint(
                name="orgunit_only_a_province_is_root",
                condition=Q(parent__isnull=False) | Q(level=OrgLevel.PROVINCE),
            ),
            models.CheckConstraint(
                name="orgunit_path_ends_with_its_code",
                condition=Q(path__endswith=Concat(models.F("code"), models.Value("/"))),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.path = f"{self.parent.path if self.parent else ''}{self.code}/"
        super().save(*args, **kwargs)


class StaffManager(BaseUserManager["Staff"]):
    def create_user(self, staff_code: str, password: str | None = None, **fields: Any) -> "Staff":
        staff = self.model(staff_code=staff_code, **fields)
        staff.set_password(password)
        staff.save(using=self._db)
        return staff

    def create_superuser(
        self, staff_code: str, password: str | None = None, **fields: Any
    ) -> "Staff":
        return self.create_user(staff_code, password, is_superuser=True, **fields)


class Staff(AbstractBaseUser, PermissionsMixin):
    """A staff account (工号): one natural person, or one named system that calls the REST API."""

    staff_code = models.CharField(_("staff code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100)
    org = models.ForeignKey(OrgUnit, models.PROTECT, null=True, blank=True, related_name="staff")
    language = models.CharField(max_length=10, default="zh-hans")
    is_active = models.BooleanField(default=True)
    is_system = models.BooleanField(default=False)
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "staff_code"
    REQUIRED_FIELDS = ["name"]
    objects = StaffManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="staff_person_has_an_org",
                condition=Q(is_system=True) | Q(is_superuser=True) | Q(org__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.staff_code} {self.name}"


class Reach(models.TextChoices):
    """How far from their own organisation a role's holders see persons."""

    NONE = "NONE", _("no person")
    ASSIGNED = "ASSIGNED", _("customers assigned to them")
    UNIT = "UNIT", _("their own unit")
    CITY = "CITY", _("their city")
    PROVINCE = "PROVINCE", _("their province")


class Role(TimeStamped):
    """What a Django group means here: its desk, and whom its holders may see."""

    group = models.OneToOneField(Group, models.CASCADE, related_name="role")
    code = models.SlugField(max_length=30, unique=True)
    name = models.CharField(max_length=60)
    reach = models.CharField(max_length=10, choices=Reach, default=Reach.NONE)
    desk = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="role_reach_known", condition=Q(reach__in=Reach.values)),
        ]

    def __str__(self) -> str:
        return self.name


class GrantedDefault(models.Model):
    """
    A permission that a release gave a role by default, remembered for ever.

    Without it a permission that an administrator took away would come back at the next upgrade.
    """

    role = models.ForeignKey(Role, models.CASCADE, related_name="+")
    permission = models.CharField(max_length=150)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["role", "permission"], name="granteddefault_once"),
        ]

    def __str__(self) -> str:
        return f"{self.role_id} {self.permission}"
