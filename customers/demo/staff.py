"""The people and the billing system that work with the demo operator: the log-ins of the demo."""

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group

from crm.platform.access.models import OrgUnit, Staff
from crm.platform.api.scopes import declared_scopes
from crm.platform.api.services import register_system_client

PASSWORD = "demo"
BILLING_CLIENT, BILLING_SECRET = "billing", "billing-demo-secret"
BILLING_ROLE = "dispatcher"
CLERKS_HALL = "LL-LZ-1"
# Staff code (also the role): name and unit.
PEOPLE = {
    "clerk": ("程晓岚", CLERKS_HALL),
    "hallmanager": ("韩启明", CLERKS_HALL),
    "agent": ("苏婉清", "CC1"),
    "teamlead": ("罗思远", "CC1"),
    "accountmanager": ("方致远", "EB1"),
    "marketer": ("沈雨桐", "CL"),
    "analyst": ("顾一帆", "CL"),
    "dispatcher": ("蒋文博", "BO1"),
    "auditor": ("严守正", "CL"),
    "manager": ("高云峰", "CL"),
    "admin": ("秦安", "CL"),
}


def make_staff(units: dict[str, OrgUnit]) -> dict[str, int]:
    """Make the demo accounts that are missing; return the ids of all by staff code."""
    password = make_password(PASSWORD)
    found: dict[str, int] = {}
    for code, (name, unit) in PEOPLE.items():
        account, made = Staff.objects.get_or_create(
            staff_code=code,
            defaults={
                "name": name,
                "org": units[unit],
                "password": password,
                "is_demo": True,
            },
        )
        if made:
            account.groups.add(Group.objects.get(name=code))
        found[code] = account.pk
    return found


def make_billing_client(units: dict[str, OrgUnit]) -> None:
    """Let the billing system of the demo in: every scope there is, and the back office's reach."""
    register_system_client(
        name="计费系统",
        client_id=BILLING_CLIENT,
        client_secret=BILLING_SECRET,
        scopes=declared_scopes(),
        roles=[BILLING_ROLE],
        org=units["CL"],
        is_demo=True,
    )
