import pytest
from django.core.cache import cache

from crm.platform.audit.models import AccessAction, AccessRecord
from customers.identity import encrypt_number, hash_number
from customers.models import PartyIdentification
from customers.selectors import finding
from tests.factories import index, make_account, make_customer, make_staff, make_subscriber

pytestmark = pytest.mark.django_db
ID_CARD = "32010619840302123X"


@pytest.fixture
def clerk(province, client):
    staff = make_staff("clerk", org=province["a_hall"])
    client.force_login(staff)
    return staff


@pytest.fixture
def wang(province):
    customer = make_customer(home_org=province["a_hall"], name="王小明")
    make_subscriber(customer=customer, service_number="13812345678", number="SUB-77")
    make_account(customer=customer, number="ACC-901")
    PartyIdentification.objects.create(
        party=customer.party,
        kind="ID_CARD",
        number_encrypted=encrypt_number(ID_CARD),
        number_hash=hash_number("ID_CARD", ID_CARD),
        number_masked="320106********123X",
    )
    index(customer)
    return customer


def typed(client, text):
    return client.post("/search/", {"q": text}, follow=True)


@pytest.mark.parametrize(
    "text",
    [
        "13812345678",
        "+86 138 1234 5678",
        "138-1234-5678",
        "１３８１２３４５６７８",
        "ACC-901",
        "acc901",
        "SUB-77",
        ID_CARD,
        ID_CARD.lower(),
    ],
)
def test_a_whole_number_opens_the_customer_at_once(client, clerk, wang, text):
    response = client.post("/search/", {"q": text})

    assert response.url == f"/customers/{wang.number}/"
    assert client.get("/search/", {"q": text}).url == f"/customers/{wang.number}/"


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("5678", "Last digits of a phone number"),
        ("1381234", "Phone number"),
        ("王小", "Name"),
        ("小明", "Name"),
        ("wangxiaoming", "Name in pinyin"),
        ("wxm", "Initials of the name"),
    ],
)
def test_a_part_lists_who_it_may_be(client, clerk, wang, text, group):
    page = typed(client, text).content.decode()

    assert group in page
    assert f"/customers/{wang.number}/" in page
    assert "王*明" in page
    assert "王小明" not in page.replace('value="王小', "")


def test_what_was_typed_is_not_in_the_address(client, clerk, wang):
    response = client.post("/search/", {"q": "5678"})

    assert "5678" not in response.url
    assert cache.get(f"search:{clerk.pk}:{response.url.split('=')[1]}") == "5678"


def test_anothers_search_is_not_ours_to_read(client, clerk, wang, province):
    address = client.post("/search/", {"q": "5678"}).url
    client.force_login(make_staff("clerk", org=province["a_hall"]))

    assert "was forgotten" in client.get(address).content.decode()


def test_several_holders_of_one_number_are_told_apart(client, clerk, wang, province):
    other = make_customer(home_org=province["a_district"], name="李四海")
    old = make_subscriber(
        customer=other, status="TERMINATED", ended_on="2024-06-01", number="SUB-78"
    )
    old.service_number = "13812345678"
    old.save()
    index(other)

    page = typed(client, "13812345678").content.decode()

    assert "王*明" in page
    assert "李*海" in page


def test_who_lives_in_another_city_is_not_found(client, clerk, province):
    stranger = make_customer(home_org=province["b_hall"], name="王小红")
    make_subscriber(customer=stranger, service_number="13900001111")

    for text in ("13900001111", "王小红", stranger.number):
        page = typed(client, text).content.decode()
        assert "Nobody found within your reach" in page
        assert stranger.number not in page.replace(f'value="{text}"', "")


def test_an_account_manager_finds_only_those_assigned(client, province):
    manager = make_staff("accountmanager", org=province["a_hall"])
    mine = make_customer(home_org=province["b_hall"], name="王一", manager=manager)
    make_customer(home_org=province["a_hall"], name="王二")
    client.force_login(manager)

    page = typed(client, "王").content.decode()

    assert mine.number in page
    assert page.count('scope="row"') == 1


def test_a_common_beginning_is_cut_and_says_so(client, clerk, province, monkeypatch):
    for n in range(25):
        make_customer(home_org=province["a_hall"], name=f"王{'甲乙丙丁戊'[n % 5]}{n}")

    page = typed(client, "王").content.decode()

    assert page.count('scope="row"') == 20
    assert "There are more" in page


def test_hits_that_were_not_looked_through_are_owned_up_to(client, clerk, province, monkeypatch):
    monkeypatch.setattr(finding, "SCANNED", 3)
    for n in range(5):
        make_customer(home_org=province["b_hall"], name=f"王一{n}")
    make_customer(home_org=province["a_hall"], name="王二")

    page = typed(client, "王").content.decode()

    assert "There are more" in page


@pytest.mark.parametrize("role", ["analyst", "marketer", "admin"])
def test_who_may_see_no_person_may_not_search(client, province, role):
    client.force_login(make_staff(role, org=province["a_hall"]))

    response = client.get("/search/", {"q": "13812345678"})

    assert response.status_code == 403
    assert "Your role does not include" in response.content.decode()


def test_names_need_their_own_permission(client, clerk, wang):
    clerk.groups.get().permissions.remove(
        *clerk.groups.get().permissions.filter(codename="search_customer_by_name")
    )

    assert "Nobody found" in typed(client, "王小明").content.decode()
    assert client.post("/search/", {"q": "13812345678"}).status_code == 302


def test_a_search_is_written_down_without_what_was_typed(client, clerk, wang):
    typed(client, "王小明")

    record = AccessRecord.objects.get(action=AccessAction.SEARCH)
    assert record.row_count == 1
    assert record.object_id.startswith("name:")
    assert "王" not in str(record.__dict__)


@pytest.mark.parametrize("text", ["", "   ", "%", "_", "'; --", "😀", "a" * 500])
def test_nonsense_finds_nobody(client, clerk, wang, text):
    assert typed(client, text).status_code == 200
    assert client.get("/search/", {"q": text}).status_code == 200


def test_the_number_of_queries_does_not_grow_with_the_hits(
    client, clerk, province, django_assert_max_num_queries
):
    make_customer(home_org=province["a_hall"], name="王一")
    with django_assert_max_num_queries(8):
        client.get("/search/", {"q": "王"})

    for n in range(30):
        make_customer(home_org=province["a_hall"], name=f"王二{n}")
    with django_assert_max_num_queries(8):
        client.get("/search/", {"q": "王"})
