"""
The roles of an operator, as data: seeded once, then the administrator's to change.

Which role may do what follows the permission matrix that operators use. An app adds to it by
a `role_permissions` mapping on its AppConfig: {"clerk": ["customers.view_customer", …]}.
"""

from typing import Any

from django.apps import AppConfig, apps
from django.db import transaction
from django.utils.translation import gettext_noop as _

ROLES = {
    "clerk": (_("Business-hall clerk"), "CITY"),
    "hallmanager": (_("Hall manager"), "CITY"),
    "agent": (_("Call-centre agent"), "PROVINCE"),
    "teamlead": (_("Call-centre team lead"), "PROVINCE"),
    "accountmanager": (_("Account manager"), "ASSIGNED"),
    "marketer": (_("Marketing planner"), "NONE"),
    "analyst": (_("Analyst"), "NONE"),
    "dispatcher": (_("Dispatcher"), "PROVINCE"),
    "auditor": (_("Auditor"), "PROVINCE"),
    "manager": (_("Manager"), "PROVINCE"),
    "admin": (_("Administrator"), "NONE"),
}


def after_migrate(*, app_config: AppConfig, **_signal: Any) -> None:
    """Wait for the last app: only then has every app's permissions been created."""
    if app_config is [c for c in apps.get_app_configs() if c.models_module][-1]:
        grant_declared_permissions()


@transaction.atomic
def grant_declared_permissions() -> None:
    """Create missing roles and give each the declared permissions it was never given before."""
    Group, Permission = (apps.get_model("auth", name) for name in ("Group", "Permission"))
    Role, GrantedDefault = (apps.get_model("access", name) for name in ("Role", "GrantedDefault"))
    for code, (name, reach) in ROLES.items():
        group, _created = Group.objects.get_or_create(name=code)
        Role.objects.get_or_create(
            code=code, defaults={"group": group, "name": name, "reach": reach}
        )
    permissions = {
        f"{p.content_type.app_label}.{p.codename}": p
        for p in Permission.objects.select_related("content_type")
    }
    for role in Role.objects.select_related("group"):
        given = set(GrantedDefault.objects.filter(role=role).values_list("permission", flat=True))
        declared = {
            name
            for config in apps.get_app_configs()
            for name in getattr(config, "role_permissions", {}).get(role.code, ())
        }
        new = [name for name in sorted(declared - given) if name in permissions]
        role.group.permissions.add(*(permissions[name] for name in new))
        GrantedDefault.objects.bulk_create(GrantedDefault(role=role, permission=n) for n in new)
