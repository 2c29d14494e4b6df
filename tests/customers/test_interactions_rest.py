"""Contacts and the timeline for systems."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone
from rest_framework.test import APIClient

from customers.models import Interaction
from tests.factories import make_customer, make_province, make_staff, make_subscriber

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0)
URL = "/api/v1/interactions"


@pytest.fixture(autouse=True)
def nothing_counted():
    cache.clear()


@pytest.fixture
def land():
    return make_province()


@pytest.fixture
def wang(land):
    return make_customer(home_org=land["a_hall"])


def person(role, org):
    client = APIClient()
    client.force_login(make_staff(role, org=org, language="en"))
    return client


def call(customer, **given):
    started = (NOW - timedelta(hours=1)).isoformat()
    fields = {"number": "IVR-1", "customer": customer.number, "started_at": started}
    return fields | {"channel": "WECHAT", "purpose": "ENQUIRY", "topic": "13812345678"} | given


def test_a_contact_is_told_once_and_read_masked(land, wang):
    system = person("dispatcher", land["p"])
    make_subscriber(customer=wang, number="S-1")
    body = call(wang, subscriber="S-1", auth_method="FACE", duration_seconds=60)

    first = system.post(URL, body, format="json")
    again = system.post(URL, body, format="json")

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    listed = system.get(URL, {"customer": wang.number}).json()["items"]
    assert [(row["number"], row["topic"]) for row in listed] == [("IVR-1", "138****5678")]
    other = system.post(URL, body | {"purpose": "CARE"}, format="json")
    assert (other.status_code, other.json()["code"]) == (409, "number_says_otherwise")
    assert Interaction.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"channel": "PIGEON"}, 400),
        ({"started_at": "0001-01-01T00:00:00Z"}, 400),
        ({"staff": "nobody"}, 400),
        ({"subscriber": "S-of-others"}, 404),
        ({"customer": "nobody"}, 404),
        ({"started_at": (NOW + timedelta(days=1)).isoformat()}, 409),
        ({"duration_seconds": 2**40}, 400),
    ],
)
def test_what_is_wrong_is_said(land, wang, wrong, status):
    answer = person("dispatcher", land["p"]).post(URL, call(wang) | wrong, format="json")

    assert answer.status_code == status
    assert not Interaction.objects.exists()


def test_the_timeline_goes_on_where_next_says(land, wang):
    clerk = person("clerk", land["a_hall"])
    for n in range(25):
        Interaction.objects.create(
            started_at=NOW - timedelta(minutes=n), customer_id=wang.pk, channel="APP",
            purpose="ENQUIRY",
        )  # fmt: skip
    url = f"/api/v1/customers/{wang.number}/timeline"

    first = clerk.get(url, {"show": "contacts"}).json()
    rest = clerk.get(url, {"show": "contacts", "before": first["next"]}).json()

    ids = [row["facts"]["interaction_id"] for row in first["items"] + rest["items"]]
    assert len(ids) == len(set(ids)) == 25
    assert clerk.get(url, {"show": "x"}).status_code == 400
    assert clerk.get(url, {"before": "x"}).status_code == 400


def test_a_stranger_finds_nothing_and_rights_are_needed(land, wang):
    far = person("clerk", land["b_hall"])

    assert far.get(URL, {"customer": wang.number}).status_code == 404
    assert far.get(f"/api/v1/customers/{wang.number}/timeline").status_code == 404
    assert far.post(URL, call(wang), format="json").status_code == 403
    assert person("analyst", land["p"]).get(URL, {"customer": wang.number}).status_code == 403
    assert person("clerk", land["a_hall"]).get(URL).status_code == 400
