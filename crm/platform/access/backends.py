from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Permission
from django.db.models import Value

from crm.platform.access.models import Role, Staff

_REACH = "*"
"""Marks the rows of that query that are reaches: no app is called so."""


class StaffBackend(ModelBackend):
    """
    Django's own log-in, asking the database less on every click.

    The account comes with its chain of organisations, and one query instead of three brings
    all its permissions and how far its roles reach: its scope needs both.
    """

    def get_user(self, user_id: int) -> Staff | None:
        chain = "org__parent__parent__parent__parent"
        staff = Staff.objects.select_related(chain).filter(pk=user_id).first()
        return staff if staff and self.user_can_authenticate(staff) else None

    def get_all_permissions(
        self, user_obj: AbstractBaseUser | AnonymousUser, obj: object = None
    ) -> set[str]:
        if not isinstance(user_obj, Staff) or not user_obj.is_active or obj is not None:
            return set()
        kept: set[str] | None = user_obj.__dict__.get("all_permissions")
        if kept is None:
            kept = user_obj.__dict__["all_permissions"] = self._read_permissions(user_obj)
        return kept

    def _read_permissions(self, staff: Staff) -> set[str]:
        columns = ("content_type__app_label", "codename")
        if staff.is_superuser:
            rows = Permission.objects.order_by().values_list(*columns)
        else:
            own = Permission.objects.filter(user=staff).order_by().values_list(*columns)
            of_roles = Permission.objects.filter(group__user=staff).order_by()
            reaches = Role.objects.filter(group__user=staff).order_by()
            marked = reaches.values_list(Value(_REACH), "reach")
            rows = own.union(of_roles.values_list(*columns), marked)
        found: dict[bool, set[str]] = {True: set(), False: set()}
        for app, codename in rows:
            is_reach = app == _REACH
            found[is_reach].add(codename if is_reach else f"{app}.{codename}")
        if not staff.is_superuser:
            staff._reaches = found[True]  # type: ignore[attr-defined]
        return found[False]
