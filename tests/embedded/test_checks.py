"""A deployment that still has the demo log-ins refuses to start; the embedded stack does not."""

import pytest
from django.core.checks import Tags, run_checks
from django.test import override_settings
from oauth2_provider.models import Application

from crm.embedded.checks import refuse_demo_logins
from crm.embedded.logins import DEMO_CLIENT
from crm.platform.access.models import Staff

pytestmark = pytest.mark.django_db
A_DEPLOYMENT = override_settings(EMBEDDED=False)


def demo_admin(*, active: bool = True) -> Staff:
    return Staff.objects.create_user(
        "admin", "demo", name="Demo", is_demo=True, is_superuser=True, is_active=active
    )


def errors() -> list[str]:
    found = run_checks(tags=[Tags.security])
    return [error.id for error in found if error.id and error.id.startswith("crm.")]


@A_DEPLOYMENT
def test_a_demo_login_that_works_is_an_error_and_ends_the_start() -> None:
    demo_admin()

    assert errors() == ["crm.E001"]
    with pytest.raises(SystemExit, match="admin"):
        refuse_demo_logins()


@A_DEPLOYMENT
def test_a_demo_login_that_was_deactivated_is_none() -> None:
    demo_admin(active=False)

    assert errors() == []
    refuse_demo_logins()


@A_DEPLOYMENT
@pytest.mark.parametrize(("secret", "found"), [(DEMO_CLIENT[1], ["crm.E002"]), ("other", [])])
def test_the_demo_client_is_an_error_while_it_has_its_demo_secret(
    secret: str, found: list[str]
) -> None:
    Application.objects.create(
        client_id=DEMO_CLIENT[0],
        client_secret=secret,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
    )

    assert errors() == found


def test_the_embedded_stack_may_keep_them() -> None:
    demo_admin()

    assert errors() == []
