from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Permission
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet, Value
from django.db.models.functions import Concat

from crm.platform.access.models import Role, Staff
from crm.platform.prepared import Prepared, Slot


def _with_rights() -> QuerySet[Staff]:
    """The account with its chain of organisations, its permissions and its roles' reaches."""
    own = Permission.objects.filter(user=OuterRef("pk"))
    of_roles = Permission.objects.filter(group__user=OuterRef("pk"))
    return (
        Staff.objects.select_related("org__parent__parent__parent__parent")
        .filter(pk=Slot("pk"))
        .annotate(
            own_permissions=_names(own),
            role_permissions=_names(of_roles),
            reaches=ArraySubquery(Role.objects.filter(group__user=OuterRef("pk")).values("reach")),
        )
    )


def _names(permissions: QuerySet[Permission]) -> ArraySubquery:
    name = Concat("content_type__app_label", Value("."), "codename")
    return ArraySubquery(permissions.order_by().values_list(name))


_ACCOUNT = Prepared(_with_rights)


class StaffBackend(ModelBackend):
    """
    Django's own log-in, asking the database less on every click.

    One query instead of four brings the account, its chain of organisations, all its
    permissions and how far its roles reach.
    """

    def get_user(self, user_id: int) -> Staff | None:
        staff: Staff | None = _ACCOUNT.first(pk=user_id)
        if staff is None or not self.user_can_authenticate(staff):
            return None
        _keep_rights(staff, staff)
        return staff

    def get_all_permissions(
        self, user_obj: AbstractBaseUser | AnonymousUser, obj: object = None
    ) -> set[str]:
        if not isinstance(user_obj, Staff) or not user_obj.is_active or obj is not None:
            return set()
        if "all_permissions" not in user_obj.__dict__:  # did not come in by this door
            _keep_rights(user_obj, _ACCOUNT.first(pk=user_obj.pk))
        kept: set[str] = user_obj.__dict__["all_permissions"]
        return kept


def _keep_rights(staff: Staff, read: Any) -> None:
    """Keep with the account what was read of it; its scope needs the reaches."""
    if staff.is_superuser:
        rows = Permission.objects.order_by().values_list("content_type__app_label", "codename")
        staff.__dict__["all_permissions"] = {f"{app}.{codename}" for app, codename in rows}
    elif read is None:  # an account that is no longer there
        staff.__dict__["all_permissions"] = set()
    else:
        staff.__dict__["all_permissions"] = {*read.own_permissions, *read.role_permissions}
        staff.__dict__["_reaches"] = read.reaches
