"""Systems that may call us."""

from collections.abc import Iterable

from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from oauth2_provider.models import get_application_model

from crm.platform.access.models import OrgUnit, Staff
from crm.platform.api.models import RATE_PER_MINUTE, SystemClient
from crm.platform.api.scopes import declared_scopes


@transaction.atomic
def register_system_client(
    *,
    name: str,
    client_id: str,
    client_secret: str,
    scopes: Iterable[str],
    permissions: Iterable[str] = (),
    roles: Iterable[str] = (),
    org: OrgUnit | None = None,
    rate_per_minute: int = RATE_PER_MINUTE,
    is_demo: bool = False,
) -> SystemClient:
    """
    Register a system, or bring a registered one up to date, and return it.

    It gets an account of its own (`sys-<client_id>`) that nobody can log in to. `permissions`
    ("customers.view_customer") and `roles` say what the account may do and whom it may see;
    `scopes` what its tokens may be for. The secret is kept as a hash only.

    :raises ValueError: for a scope, permission or role that does not exist.
    """
    scopes = sorted(set(scopes))
    if unknown := set(scopes) - declared_scopes().keys():
        raise ValueError(f"No app declares the scopes {', '.join(sorted(unknown))}")
    account, _created = Staff.objects.update_or_create(
        staff_code=f"sys-{client_id}",
        defaults={"name": name, "org": org, "is_system": True, "is_demo": is_demo},
        create_defaults={
            "name": name,
            "org": org,
            "is_system": True,
            "is_demo": is_demo,
            "password": "!",
        },
    )
    account.user_permissions.set(_permissions(set(permissions)))
    account.groups.set(_groups(set(roles)))

    Application = get_application_model()
    application = Application.objects.filter(client_id=client_id).first()
    if application is None or not check_password(client_secret, application.client_secret):
        application = application or Application(client_id=client_id)
        application.client_secret = client_secret
    application.name, application.user = name, account
    application.client_type = Application.CLIENT_CONFIDENTIAL
    application.authorization_grant_type = Application.GRANT_CLIENT_CREDENTIALS
    application.save()
    client, _created = SystemClient.objects.update_or_create(
        application=application,
        defaults={"account": account, "scopes": scopes, "rate_per_minute": rate_per_minute},
    )
    return client


def _permissions(names: set[str]) -> list[Permission]:
    found = {
        f"{p.content_type.app_label}.{p.codename}": p
        for p in Permission.objects.select_related("content_type").filter(
            codename__in={name.partition(".")[2] for name in names}
        )
    }
    if unknown := names - found.keys():
        raise ValueError(f"There are no permissions {', '.join(sorted(unknown))}")
    return [found[name] for name in names]


def _groups(names: set[str]) -> list[Group]:
    found = {group.name: group for group in Group.objects.filter(name__in=names)}
    if unknown := names - found.keys():
        raise ValueError(f"There are no roles {', '.join(sorted(unknown))}")
    return list(found.values())
