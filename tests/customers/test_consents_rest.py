"""`/api/v1/customers/<number>/{consents,preferences,looks}`: what systems and people may do."""

import base64

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from crm.platform.api.services import register_system_client
from crm.platform.audit.models import AccessAction, AccessRecord
from customers.models import Consent, ContactPreference
from tests.factories import make_customer, make_province, make_staff

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "a-long-enough-secret"


@pytest.fixture(autouse=True)
def cheap(settings):
    cache.clear()  # which counts the tokens asked for
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def land():
    return make_province()


@pytest.fixture
def wang(land):
    return make_customer(home_org=land["a_hall"])


def system(land, *scopes) -> APIClient:
    client = register_system_client(
        name="app", client_id="app", client_secret=SECRET, roles=["dispatcher"], org=land["p"],
        scopes=scopes or ["customers:read", "customers:write"],
    )  # fmt: skip
    client.account.language = "en"
    client.account.save()
    basic = base64.b64encode(f"app:{SECRET}".encode()).decode()
    answer = APIClient().post(
        "/oauth/token/",
        "grant_type=client_credentials",
        content_type="application/x-www-form-urlencoded",
        headers={"Authorization": f"Basic {basic}"},
    )
    bearer = f"Bearer {answer.json()['access_token']}"
    return APIClient(headers={"Authorization": bearer, "Accept-Language": "en"})


def person(role, org) -> APIClient:
    client = APIClient()
    client.force_login(make_staff(role, org=org, language="en"))
    return client


def url(customer, what="consents"):
    return f"/api/v1/customers/{customer.number}/{what}"


GIVE = {
    "purpose": "MARKETING", "state": "GIVEN", "channels": ["SMS", "APP"], "source": "APP",
    "evidence": "click 17",
}  # fmt: skip


def post(client, customer, body=GIVE, key="", **extra):
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(url(customer), body | extra, format="json", headers=headers)


def put(client, customer, **body):
    return client.put(url(customer, "preferences"), body, format="json")


def test_a_decision_is_recorded_and_read_again(land, wang):
    app = system(land)

    answer = post(app, wang)

    assert answer.status_code == 201
    assert [(row["channel"], row["staff"]) for row in answer.json()] == [
        ("SMS", "sys-app"), ("APP", "sys-app"),
    ]  # fmt: skip
    told = app.get(url(wang)).json()
    assert {h["channel"] for h in told["current"] if h["state"] == "GIVEN"} == {"SMS", "APP"}
    assert len(told["current"]) == 16 and len(told["items"]) == 2 and told["next"] is None
    assert post(app, wang).status_code == 200 and Consent.objects.count() == 2
    post(app, wang, {"purpose": "MARKETING", "state": "WITHDRAWN"})
    assert not [h for h in app.get(url(wang)).json()["current"] if h["state"] == "GIVEN"]
    row = AccessRecord.objects.filter(customer_id=wang.pk).latest("at")
    assert (row.action, row.object_type) == (AccessAction.SYSTEM, "customers.customer.consents")


def test_the_same_key_counts_once(land, wang):
    app = system(land)
    again = {"evidence": "click 18"}

    first = post(app, wang, key="k1")

    assert post(app, wang, key="k1").json() == first.json()
    assert post(app, wang, key="k1", **again).status_code == 422
    assert Consent.objects.count() == 2


def test_history_is_paged(land, wang):
    app = system(land)
    for n in range(3):
        post(app, wang, evidence=f"click {n}", channels=["SMS"])

    first = app.get(url(wang), {"limit": 2}).json()
    rest = app.get(first["next"]).json()

    assert [row["evidence"] for row in first["items"] + rest["items"]] == [
        "click 2", "click 1", "click 0",
    ]  # fmt: skip
    assert app.get(url(wang), {"cursor": "x"}).status_code == 400


@pytest.mark.parametrize(
    ("broken", "status", "code", "field"),
    [
        ({"purpose": "FUN"}, 400, "invalid", "purpose"),
        ({"channels": ["PIGEON"]}, 400, "invalid", "channels.0"),
        ({"state": "MAYBE"}, 400, "invalid", "state"),
        ({"decided_at": "soon"}, 400, "invalid", "decided_at"),
        ({"channels": []}, 409, "channel_missing", "channels"),
        ({"evidence": ""}, 409, "evidence_missing", "evidence"),
        ({"decided_at": "2999-01-01T00:00Z"}, 409, "decided_in_the_future", "decided_at"),
        ({"purpose": "SHARING"}, 409, "channel_without_meaning", "channels"),
        ({"expires_at": "2001-01-01T00:00Z"}, 409, "expired_already", "expires_at"),
    ],
)
def test_what_is_wrong_is_said(land, wang, broken, status, code, field):
    answer = post(person("clerk", land["a_hall"]), wang, **broken)

    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code)
    assert field in {detail["field"] for detail in body["details"]}
    assert not Consent.objects.exists()


def test_preferences_are_whole_and_guarded_by_their_version(land, wang):
    app = system(land)
    assert app.get(url(wang, "preferences")).json() == {
        "version": 0, "preferred_channel": "", "language": "", "window_starts": None,
        "window_ends": None, "window_days": [1, 2, 3, 4, 5, 6, 7], "do_not_contact": "",
        "set_at": None,
    }  # fmt: skip

    held = put(app, wang, version=0, window_starts="09:00", window_ends="18:00").json()

    assert held["version"] == ContactPreference.objects.get().pk
    late = put(app, wang, version=0, language="en")
    assert (late.status_code, late.json()["code"]) == (409, "preferences_changed_meanwhile")
    whole = put(app, wang, language="en").json()
    assert (whole["language"], whole["window_starts"]) == ("en", None)
    assert put(app, wang, language="en").json()["version"] == whole["version"]
    assert put(app, wang, window_days=[8]).status_code == 400
    assert put(app, wang, window_days=[]).json()["code"] == "window_without_days"
    assert put(app, wang, window_starts="soon").status_code == 400


def test_who_looked(land, wang):
    auditor = person("auditor", land["p"])
    clerk = person("clerk", land["a_hall"])
    clerk.get(url(wang))
    clerk.get(url(wang, "preferences"))

    told = auditor.get(url(wang, "looks"), {"limit": 1}).json()

    (row,) = told["items"]
    assert (row["object_type"], row["action"]) == ("customers.customer.preferences", "VIEW")
    assert row["org"] == land["a_hall"].code and "ip" not in row
    assert len(auditor.get(url(wang, "looks"), {"action": "VIEW"}).json()["items"]) == 3
    assert (
        auditor.get(url(wang, "looks"), {"since": "soon"}).json()["details"][0]["field"] == "since"
    )
    assert clerk.get(url(wang, "looks")).status_code == 403


@pytest.mark.parametrize("what", ["consents", "preferences", "looks"])
def test_a_stranger_finds_nothing(land, wang, what):
    stranger = make_customer(home_org=land["b_hall"])
    manager = person("hallmanager", land["a_hall"])

    assert manager.get(url(stranger, what)).status_code == 404
    assert APIClient().get(url(wang, what)).status_code == 401
    if what == "consents":
        assert post(manager, stranger).status_code == 404
    if what == "preferences":
        assert put(manager, stranger, language="en").status_code == 404
    assert not Consent.objects.exists() and not ContactPreference.objects.exists()


def test_rights_and_scopes_are_both_needed(land, wang):
    reader = system(land, "customers:read")

    assert reader.get(url(wang)).status_code == 200
    assert post(reader, wang).status_code == 403
    assert put(reader, wang, language="en").status_code == 403
    auditor = person("auditor", land["p"])
    assert auditor.get(url(wang)).status_code == 200
    assert post(auditor, wang).status_code == 403
    assert person("marketer", land["p"]).get(url(wang)).status_code == 403


def test_the_schema_knows_them(client):
    paths = client.get("/api/schema/", headers={"accept": "application/json"}).json()["paths"]

    assert {"get", "post"} <= paths["/api/v1/customers/{number}/consents"].keys()
    assert {"get", "put"} <= paths["/api/v1/customers/{number}/preferences"].keys()
    assert paths["/api/v1/customers/{number}/looks"]["get"]["responses"].keys() >= {"200", "404"}
