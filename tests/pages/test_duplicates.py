"""`/duplicates/`, merges and their undo, as pages and REST; records that need care."""

import pytest
from django.utils import timezone

from crm.platform.audit.models import AccessRecord
from customers.feeds.search_keys import remake_keys
from customers.merging.candidates import find_duplicates
from customers.models import Customer, CustomerMerge, DuplicateCandidate, Party
from tests.customers.merging import add_document, add_medium, make_months
from tests.factories import make_customer, make_staff, make_subscriber

pytestmark = pytest.mark.django_db
RIGHT = "11010519491231002X"


@pytest.fixture(autouse=True)
def months(partitions):
    make_months()


@pytest.fixture
def hall(province):
    return province["a_hall"]


@pytest.fixture
def manager(hall, client):
    staff = make_staff("hallmanager", org=hall)
    client.force_login(staff)
    return staff


def make_pair(left_org, right_org=None):
    left = make_customer(home_org=left_org, name="王小明", star=1)
    right = make_customer(home_org=right_org or left_org, name="王晓明", star=5)
    for customer in (left, right):
        add_document(customer, RIGHT)
        add_medium(customer, "13800000001")
        make_subscriber(customer=customer)
    remake_keys([left.pk, right.pk])
    find_duplicates(of=[left.pk], at=timezone.now())
    return DuplicateCandidate.objects.latest("pk")


def text(answer):
    return answer.content.decode()


def test_the_queue_shows_pairs_masked_and_the_likeliest_first(client, manager, hall):
    pair = make_pair(hall)

    page = text(client.get("/duplicates/"))

    assert f"/duplicates/{pair.pk}/" in page and "王*明" in page
    assert "王小明" not in page and "Same document" in page
    assert AccessRecord.objects.filter(object_type="customers.duplicates").exists()
    assert f"/duplicates/{pair.pk}/" not in text(client.get("/duplicates/?shares=address"))
    assert f"/duplicates/{pair.pk}/" not in text(client.get("/duplicates/?status=MERGED"))
    assert client.get("/duplicates/?status=x").status_code == 400
    assert client.get("/duplicates/?cursor=x").status_code == 400


def test_the_queue_asks_as_much_for_many_as_for_few(client, manager, hall):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def asked(url):
        client.get(url)
        with CaptureQueriesContext(connection) as queries:
            client.get(url)
        return len(queries)

    make_pair(hall)
    one = asked("/duplicates/")
    for _n in range(3):
        make_pair(hall)
    assert asked("/duplicates/") == one


@pytest.mark.parametrize("hidden", ["left", "right"])
def test_a_pair_of_which_one_is_a_strangers_does_not_exist(client, manager, province, hidden):
    orgs = [province["a_hall"], province["b_hall"]]
    pair = make_pair(*(orgs if hidden == "right" else orgs[::-1]))

    assert f"/duplicates/{pair.pk}/" not in text(client.get("/duplicates/"))
    assert client.get(f"/duplicates/{pair.pk}/").status_code == 404
    for what in ("merge", "reject"):
        form = {"survivor": "left", "reason": "none"}
        assert client.post(f"/duplicates/{pair.pk}/{what}/", form).status_code == 404
    assert client.get(f"/api/v1/duplicates/{pair.pk}").status_code == 404
    assert client.get("/api/v1/duplicates").json()["items"] == []
    numbers = {"survivor": pair.left.number, "absorbed": pair.right.number}
    answer = client.post("/api/v1/merges", numbers, content_type="application/json")
    assert answer.status_code == 404
    assert not CustomerMerge.objects.exists()


def test_side_by_side_says_what_differs_and_what_would_move(client, manager, hall):
    pair = make_pair(hall)

    page = text(client.get(f"/duplicates/{pair.pk}/"))

    assert page.count("differs") >= 2 and "Lines" in page
    assert "王小明" not in page and RIGHT not in page and "13800000001" not in page
    looks = AccessRecord.objects.filter(object_type="customers.customer.duplicate")
    assert {look.customer_id for look in looks} == {pair.left_id, pair.right_id}


def test_merge_with_chosen_fields_then_undo(client, manager, hall):
    pair = make_pair(hall)
    form = {"survivor": "left", "name": "right", "star": "left"}

    answer = client.post(f"/duplicates/{pair.pk}/merge/", form)

    assert answer.status_code == 302
    survivor = Customer.objects.select_related("party").get(pk=pair.left_id)
    assert (survivor.party.name, survivor.star) == ("王晓明", 1)
    assert survivor.subscribers.count() == 2
    moved = client.get(f"/customers/{pair.right.number}/")
    assert moved["Location"] == f"/customers/{pair.left.number}/"
    made = CustomerMerge.objects.get()
    assert "Undo" in text(client.get("/duplicates/merges/"))
    assert client.post(f"/duplicates/merges/{made.pk}/undo/").status_code == 302
    assert Party.objects.get(pk=survivor.party_id).name == "王小明"
    again = client.post(f"/duplicates/merges/{made.pk}/undo/")
    assert again.status_code == 409 and "undone already" in text(again)


def test_the_merged_record_is_seen_as_it_was(client, manager, hall):
    pair = make_pair(hall)
    moment = timezone.now().isoformat()
    client.post(f"/duplicates/{pair.pk}/merge/", {"survivor": "left"})

    then = client.get(f"/customers/{pair.right.number}/", {"as_of": moment})

    assert then.status_code == 200
    line = pair.right.subscribers.model.objects.filter(customer=pair.left_id).latest("pk")
    assert f"****{line.service_number[-4:]}" in text(then)


def test_a_refused_merge_says_why_and_changes_nothing(client, manager, hall):
    pair = make_pair(hall)
    Customer.objects.filter(pk=pair.right_id).update(party=make_firm())

    answer = client.post(f"/duplicates/{pair.pk}/merge/", {"survivor": "left"})

    assert answer.status_code == 409 and "organisation" in text(answer)
    assert client.post(f"/duplicates/{pair.pk}/merge/", {}).status_code == 400


def make_firm():
    return Party.objects.create(kind="ORGANISATION", name="公司")


def test_not_a_duplicate_needs_a_reason(client, manager, hall):
    pair = make_pair(hall)

    assert client.post(f"/duplicates/{pair.pk}/reject/", {"reason": ""}).status_code == 409
    assert client.post(f"/duplicates/{pair.pk}/reject/", {"reason": "twins"}).status_code == 302
    pair.refresh_from_db()
    assert (pair.status, pair.decided_by, pair.reason) == ("REJECTED", manager, "twins")


@pytest.mark.parametrize(
    ("role", "may_look", "may_merge"),
    [
        ("clerk", False, False),
        ("agent", False, False),
        ("analyst", False, False),
        ("admin", False, False),
        ("auditor", True, False),
        ("teamlead", True, True),
        ("dispatcher", True, True),
        ("manager", True, True),
    ],
)
def test_who_may(client, hall, role, may_look, may_merge):
    pair = make_pair(hall)
    client.force_login(make_staff(role, org=hall))

    assert (client.get("/duplicates/").status_code == 200) == may_look
    assert (client.get(f"/duplicates/{pair.pk}/").status_code == 200) == may_look
    answer = client.post(f"/duplicates/{pair.pk}/merge/", {"survivor": "left"})
    assert (answer.status_code == 302) == may_merge
    assert CustomerMerge.objects.exists() == may_merge


def test_merge_and_undo_over_rest(client, manager, hall):
    pair = make_pair(hall)
    (item,) = client.get("/api/v1/duplicates").json()["items"]
    assert (item["left"], item["evidence"]) == (
        pair.left.number,
        {"identity": 1, "phone": 1, "like_name": 1},
    )
    wanted = {"survivor": pair.left.number, "absorbed": pair.right.number, "take": ["name"]}
    key = {"HTTP_IDEMPOTENCY_KEY": '"once"'}

    made = client.post("/api/v1/merges", wanted, content_type="application/json", **key)
    again = client.post("/api/v1/merges", wanted, content_type="application/json", **key)

    assert (made.status_code, again.json()) == (201, made.json())
    assert CustomerMerge.objects.count() == 1
    refused = client.post("/api/v1/merges", wanted, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (409, "merge_of_the_merged")
    undone = client.post(f"/api/v1/merges/{made.json()['id']}/undo")
    assert undone.status_code == 200 and undone.json()["undone_at"]
    assert client.get("/api/v1/merges").json()["items"][0]["id"] == made.json()["id"]


def test_reject_over_rest(client, manager, hall):
    pair = make_pair(hall)
    url = f"/api/v1/duplicates/{pair.pk}/rejection"

    answer = client.post(url, {"reason": "twins"}, content_type="application/json")

    assert (answer.status_code, answer.json()["status"]) == (200, "REJECTED")
    assert client.get(f"/api/v1/duplicates/{pair.pk}").json()["reason"] == "twins"


def test_completeness_as_a_page_a_card_and_rest(client, manager, hall):
    customer = make_customer(home_org=hall)
    url = f"/customers/{customer.number}/completeness/"

    assert "15 %" in text(client.get(url))
    assert "<html" not in text(client.get(url, headers={"HX-Request": "true"}))
    rest = client.get(f"/api/v1/customers/{customer.number}/completeness").json()
    assert rest["percent"] == 15
    assert {"code": "name", "weight": 15, "is_filled": True} in rest["fields"]
    assert client.get(f"/customers/{make_customer().number}/completeness/").status_code == 404


def test_due_lists_only_ones_own(client, manager, hall):
    ours, theirs = make_customer(home_org=hall), make_customer()

    page = text(client.get("/customers/due/?list=never"))

    assert ours.number in page and theirs.number not in page
    assert client.get("/customers/due/").status_code == 200
    assert client.get("/customers/due/?list=x").status_code == 400


def test_correct_by_a_form_and_rest(client, manager, hall):
    customer = make_customer(home_org=hall, name="王小明")
    url, rest = f"/customers/{customer.number}/correct/", f"/api/v1/customers/{customer.number}"
    form = {"name": "王晓明", "evidence": "form 17", "reason": "typing error"}

    assert client.get(url).status_code == 200
    assert client.post(url, form | {"evidence": ""}).status_code == 400
    assert client.post(url, form | {"evidence": "x"}).status_code == 409
    assert client.post(url, form).status_code == 302
    document = {"kind": "ID_CARD", "number": RIGHT}
    body = {"document": document, "evidence": "form 18", "reason": "was missing"}
    answer = client.post(f"{rest}/corrections", body, content_type="application/json")

    assert answer.status_code == 201 and answer.json()["fields"] == ["document"]
    assert Party.objects.get(pk=customer.party_id).name == "王晓明"
    client.force_login(make_staff("clerk", org=hall))
    assert client.post(url, form).status_code == 403
