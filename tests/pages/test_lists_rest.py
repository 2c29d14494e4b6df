"""The lists over REST: the same filters, scope and masks, as plain rows."""

import pytest
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from crm.platform.audit.models import AccessRecord
from customers.models import CharacteristicSpec
from tests.factories import make_account, make_customer, make_staff, make_subscriber

pytestmark = pytest.mark.django_db
ROOT = "/api/v1"


@pytest.fixture
def api(province):
    client = APIClient()
    client.staff = make_staff("manager", org=province["p"], language="en")
    client.force_login(client.staff)
    return client


def get(api, path, status=200):
    answer = api.get(f"{ROOT}{path}")
    assert answer.status_code == status, answer.content
    return answer.json()


def test_a_page_of_plain_masked_rows(api, province):
    own = make_customer(home_org=province["a"], name="王小明", category="VIP", star=3)
    make_customer(home_org=province["a"])
    make_customer(home_org=make_staff().org, category="VIP")
    make_subscriber(customer=own, service_number="13812345678", monthly_fee_fen=12900)
    make_account(customer=own, balance_fen=-3820)

    customers = get(api, "/customers?category=VIP&fields=name,star,opened,tag")
    lines = get(api, "/subscribers?fields=phone,fee,customer_name&phone=1381")
    accounts = get(api, "/accounts?balance.between=..-0.01&fields=balance,closed")

    assert customers["items"] == [
        {"number": own.number, "name": "王*明", "star": 3, "opened": "2024-01-01", "tag": []}
    ]
    assert customers["next"] is None
    line = lines["items"][0]
    assert (line["phone"], line["fee"], line["customer_name"], line["customer"]) == (
        "138****5678", 12900, "王*明", own.number,
    )  # fmt: skip
    assert [(row["balance"], row["closed"]) for row in accounts["items"]] == [(-3820, None)]


def test_one_by_its_number_with_every_field(api, province):
    CharacteristicSpec.objects.create(
        entity="CUSTOMER", code="tenure", value_type="INTEGER", name="Tenure"
    )
    own = make_customer(home_org=province["a"], characteristics={"tenure": 3})
    line = make_subscriber(customer=own)
    stranger = make_customer(home_org=make_staff().org)

    row = get(api, f"/customers/{own.number}")

    assert row["x.tenure"] == 3 and row["name"] == "王*明" and "category" in row
    assert get(api, f"/subscribers/{line.number}?fields=status") == {
        "number": line.number, "customer": own.number, "status": "ACTIVE",
    }  # fmt: skip
    record = AccessRecord.objects.filter(object_type="customers.customers").get()
    assert (record.customer_id, record.object_id) == (own.pk, own.number)
    assert get(api, f"/customers/{stranger.number}", 404)["code"] == "not_found"


def test_pages_follow_each_other(api, province):
    numbers = sorted(make_customer(home_org=province["a"]).number for _ in range(7))

    seen, url = [], "/customers?limit=3&sort=number&fields=number"
    while url:
        page = get(api, url)
        seen += [row["number"] for row in page["items"]]
        url = page["next"] and page["next"].partition(ROOT)[2]

    assert seen == numbers


@pytest.mark.parametrize("query, field", [
    ("category=GOLD", "category"), ("salary=1", "salary"), ("star.like=1", "star"),
    ("fields=salary", "salary"), ("sort=x", "sort"), ("limit=0", "limit"), ("limit=x", "limit"),
    ("cursor=x", "cursor"), ("cols=salary&star=x", "star"),
])  # fmt: skip
def test_what_cannot_be_asked_is_400_with_the_field(api, query, field):
    answer = get(api, f"/customers?{query}", 400)

    assert answer["details"][0]["field"].startswith(field)


@pytest.mark.parametrize("role, lists, one", [
    ("clerk", 403, 200), ("analyst", 403, 403), ("admin", 403, 403), ("auditor", 200, 200),
])  # fmt: skip
def test_roles(province, role, lists, one):
    own = make_customer(home_org=province["a"])
    api = APIClient()
    api.force_login(make_staff(role, org=province["a_hall"]))

    for kind in ("customers", "subscribers", "accounts"):
        assert api.get(f"{ROOT}/{kind}").status_code == lists
    assert api.get(f"{ROOT}/customers/{own.number}").status_code == one
    assert APIClient().get(f"{ROOT}/customers").status_code == 401


def test_a_page_is_one_access_row(api, province):
    for _ in range(3):
        make_customer(home_org=province["a"])
    before = AccessRecord.objects.count()

    get(api, "/customers?star=0")

    assert AccessRecord.objects.count() == before + 1
    record = AccessRecord.objects.order_by("-at").first()
    assert (record.object_type, record.object_id, record.row_count, record.field_classes) == (
        "customers.list.customers", "star", 3, ["person_name"],
    )  # fmt: skip


def test_the_schema_names_each_of_them():
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]

    for kind in ("customers", "subscribers", "accounts"):
        assert paths[f"{ROOT}/{kind}"]["get"]["operationId"] == f"{kind}_list"
        assert paths[f"{ROOT}/{kind}/{{number}}"]["get"]["operationId"] == f"{kind}_retrieve"
