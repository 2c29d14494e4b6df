"""A deployment must not keep what the demo operator brought with it."""

from typing import Any

from celery import signals
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import check_password
from django.core.checks import Error, Tags, register
from django.db import DatabaseError

from crm.embedded.logins import DEMO_CLIENT


@register(Tags.security)
def demo_logins(**_check: Any) -> list[Error]:
    """Return an error for each kind of demo log-in that still works, outside the embedded stack."""
    if settings.EMBEDDED:
        return []
    try:
        return [*_staff(), *_client()]
    except DatabaseError:  # no database or no tables yet: nobody to log in either
        return []


def refuse_demo_logins(**_signal: Any) -> None:
    """
    End this process if a deployment still has the demo log-ins.

    :raises SystemExit: naming them.
    """
    for error in demo_logins():
        raise SystemExit(f"{error.msg} {error.hint}")


signals.worker_init.connect(refuse_demo_logins)
signals.beat_init.connect(refuse_demo_logins)


def _staff() -> list[Error]:
    staff = get_user_model()
    demo = staff.objects.filter(is_demo=True, is_active=True)
    codes = ", ".join(demo.order_by("staff_code").values_list("staff_code", flat=True))
    if not codes:
        return []
    hint = "Deactivate them, or start with a database that never held the demo operator."
    return [Error(f"The demo log-ins still work: {codes}.", hint=hint, id="crm.E001")]


def _client() -> list[Error]:
    name, secret = DEMO_CLIENT
    client = apps.get_model("oauth2_provider", "Application").objects.filter(client_id=name).first()
    if client is None or not check_password(secret, client.client_secret):
        return []
    hint = "Delete it, or give it another secret."
    return [Error(f"The OAuth client {name} still has its demo secret.", hint=hint, id="crm.E002")]
