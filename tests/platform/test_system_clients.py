import base64
import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_application_model
from rest_framework.test import APIClient

from crm.platform.api import scopes
from crm.platform.api.models import SystemClient
from crm.platform.api.services import register_system_client
from crm.platform.audit.models import AccessAction, AccessRecord, AccessResult
from tests.factories import make_staff

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.platform.sample_api")]
ORDERS = "/api/v1/sample/orders/"
SECRET = "a-long-enough-secret"


@pytest.fixture(autouse=True)
def scopes_of_the_sample(monkeypatch, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    declared = scopes.declared_scopes() | {"access:read": "Read", "access:write": "Write"}
    monkeypatch.setattr(scopes, "declared_scopes", lambda: declared)
    monkeypatch.setattr("crm.platform.api.services.declared_scopes", lambda: declared)


@pytest.fixture
def billing() -> SystemClient:
    return register_system_client(
        name="Billing",
        client_id="billing",
        client_secret=SECRET,
        scopes=["access:read", "access:write"],
        permissions=["access.view_orgunit"],
    )


def token_client(**form) -> APIClient:
    token = ask(**form).json()["access_token"]
    return APIClient(headers={"Authorization": f"Bearer {token}"})


def ask(*, secret=SECRET, client_id="billing", **form):
    basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    body = "&".join(f"{k}={v}" for k, v in ({"grant_type": "client_credentials"} | form).items())
    return APIClient().post(
        "/oauth/token/",
        body,
        content_type="application/x-www-form-urlencoded",
        headers={"Authorization": f"Basic {basic}"},
    )


def test_a_system_gets_a_token_for_an_hour_and_runs_as_its_account(billing):
    answer = ask()
    body = answer.json()
    assert (answer.status_code, body["token_type"], body["expires_in"]) == (200, "Bearer", 3600)
    assert body["scope"].split() == ["access:read", "access:write"]
    assert "refresh_token" not in body

    api = APIClient(headers={"Authorization": f"Bearer {body['access_token']}"})
    assert api.get(ORDERS).json() == {"as": "sys-billing"}


def test_neither_secret_nor_token_is_kept_readable(billing):
    token = ask().json()["access_token"]

    assert SECRET not in get_application_model().objects.get().client_secret
    assert get_access_token_model().objects.get().token != token


def test_its_account_cannot_log_in(billing, client):
    assert billing.account.is_system and not billing.account.has_usable_password()


def test_a_token_is_for_its_scopes_only(billing):
    reader = token_client(scope="access:read")

    assert reader.get(ORDERS).status_code == 200
    assert reader.post(ORDERS, {"name": "a", "lines": []}).status_code == 403
    writer = token_client(scope="access:write")
    assert writer.get(ORDERS).status_code == 403
    assert writer.post(ORDERS, {"name": "a", "lines": []}).status_code == 201


def test_a_scope_without_the_permission_is_not_enough(billing):
    billing.account.user_permissions.clear()

    assert token_client().get(ORDERS).status_code == 403


def test_a_client_cannot_ask_for_more_than_it_was_registered_with(billing):
    answer = ask(scope="access:read+api:read")

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize("grant", ["password", "authorization_code", "refresh_token", "implicit"])
def test_there_is_no_other_way_to_a_token(billing, grant):
    answer = ask(grant_type=grant, username="admin", password="demo")

    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


@pytest.mark.parametrize("end", ["late", "wrong", "closed", "no longer a system", "unregistered"])
def test_a_token_that_no_longer_counts_is_401(billing, end):
    api = token_client()
    if end == "late":
        past = timezone.now() - timedelta(seconds=1)
        get_access_token_model().objects.update(expires=past)
    elif end == "wrong":
        api = APIClient(headers={"Authorization": "Bearer nonsense"})
    elif end == "closed":
        type(billing.account).objects.update(is_active=False)
    elif end == "no longer a system":
        type(billing.account).objects.update(is_system=False, is_superuser=True)
    else:
        billing.delete()

    answer = api.get(ORDERS)

    assert (answer.status_code, answer.json()["code"]) == (401, "authentication_failed")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_beside_a_session_decides_alone(billing):
    """A wrong token is not saved by a cookie."""
    api = APIClient(headers={"Authorization": "Bearer nonsense"})
    api.force_login(make_staff("admin"))

    assert api.get(ORDERS).status_code == 401


def test_headers_in_another_encoding_do_not_matter(billing):
    """The server keeps the headers as they came beside those it read: a GBK file name, say."""
    as_it_came = {"headers": [(b"content-disposition", "filename=\u8868.csv".encode("gbk"))]}

    answer = token_client().get(ORDERS, **{"asgi.scope": as_it_came})

    assert answer.status_code == 200
    wrong = APIClient(headers={"Authorization": "Bearer \xff"})
    assert wrong.get(ORDERS, **{"asgi.scope": as_it_came}).status_code == 401


def test_tokens_given_and_refused_are_recorded(billing):
    ask()
    ask(secret="wrong")
    ask(client_id="nobody")

    rows = list(AccessRecord.objects.filter(action=AccessAction.LOGIN).order_by("id"))
    assert [(r.result, r.object_id if r.staff_id else "?") for r in rows] == [
        (AccessResult.OK, "billing"),
        (AccessResult.REFUSED, "billing"),
        (AccessResult.REFUSED, "?"),
    ]


def test_guessing_secrets_is_slowed_down(billing, monkeypatch):
    monkeypatch.setattr("crm.platform.api.views.TOKENS_PER_MINUTE", 2)

    answers = [ask(secret=f"guess{n}") for n in range(5)]

    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) >= 1


def test_registering_again_brings_it_up_to_date(billing):
    register_system_client(
        name="Billing 2",
        client_id="billing",
        client_secret="another secret of it",
        scopes=["access:read"],
    )

    assert SystemClient.objects.count() == 1
    assert ask().status_code == 401
    answer = ask(secret="another secret of it")
    assert answer.json()["scope"] == "access:read"
    billing.account.refresh_from_db()
    assert billing.account.name == "Billing 2"
    assert not billing.account.user_permissions.exists()


@pytest.mark.parametrize(
    "wrong",
    [{"scopes": ["moon:land"]}, {"permissions": ["access.fly"]}, {"roles": ["astronaut"]}],
)
def test_what_does_not_exist_cannot_be_given(wrong):
    given = {"name": "x", "client_id": "x", "client_secret": SECRET, "scopes": ["access:read"]}
    with pytest.raises(ValueError, match=r"moon:land|access\.fly|astronaut"):
        register_system_client(**given | wrong)


def test_the_command_prints_the_secret_once(capsys):
    call_command("register_client", "erp", "--name", "ERP", "--scope", "access:read")

    printed = json.loads(capsys.readouterr().out)
    assert printed["account"] == "sys-erp"
    assert ask(client_id="erp", secret=printed["client_secret"]).status_code == 200


def test_a_client_has_its_own_rate(billing):
    SystemClient.objects.update(rate_per_minute=2)
    api = token_client()

    assert [api.get(ORDERS).status_code for _ in range(4)][-1] == 429
