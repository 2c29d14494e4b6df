"""Lists through their pages: what is shown, filtered, refused, counted, and written down."""

from datetime import date
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.platform.audit.models import AccessRecord
from customers.lists import reading
from customers.models import CharacteristicSpec, CustomerTag, ListKind, SavedView, Tag
from tests.factories import make_account, make_customer, make_staff, make_subscriber

pytestmark = pytest.mark.django_db
ROLES_WITH_LISTS = ["hallmanager", "teamlead", "accountmanager", "auditor", "manager"]
PAGES = ["/customers/", "/subscribers/", "/accounts/"]


@pytest.fixture
def manager(client, province):
    staff = make_staff("manager", org=province["p"])
    client.force_login(staff)
    return staff


def text(client, url, status=200):
    answer = client.get(url)
    assert answer.status_code == status, answer.content[:500]
    return answer.content.decode()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("role", ["clerk", "agent", "dispatcher", "analyst", "marketer", "admin"])
def test_roles_that_only_search_have_no_lists(client, province, role, page):
    client.force_login(make_staff(role, org=province["a_hall"]))

    for url in (page, f"/lists{page}count/", f"/lists{page}views/"):
        assert client.get(url).status_code == 403, url


@pytest.mark.parametrize("role", ROLES_WITH_LISTS)
def test_a_list_has_the_rows_of_ones_reach_and_masks_them(client, province, role):
    staff = make_staff(role, org=province["a_hall"])
    client.force_login(staff)
    own = make_customer(home_org=province["a_hall"], name="王小明", manager=staff)
    line = make_subscriber(customer=own, service_number="13812345678")
    other = make_customer(home_org=make_staff().org, name="赵大山")
    make_subscriber(customer=other)
    make_account(customer=other)

    pages = [text(client, page) for page in PAGES]

    assert "王*明" in pages[0] and own.number in pages[0]
    assert line.number in pages[1] and "138****5678" in pages[1]
    for page in pages:
        assert "王小明" not in page and "13812345678" not in page
        assert other.number not in page and "赵" not in page


def test_a_look_is_one_access_row_with_its_number_of_rows(client, manager, province):
    for n in range(3):
        make_customer(home_org=province["a"], star=n)
    before = AccessRecord.objects.count()

    text(client, "/customers/?star.between=1..&name=wang")

    assert AccessRecord.objects.count() == before + 1
    record = AccessRecord.objects.order_by("-at").first()
    assert (record.object_type, record.row_count) == ("customers.list.customers", 2)
    assert record.object_id == "star.between+name.begins"  # never what was looked for
    assert record.field_classes == ["person_name"]


def test_a_characteristic_may_be_called_and_be_anything(client, manager, province):
    for code in ("hashtags", "a__tags", "status", "phone", "cols", "name"):
        CharacteristicSpec.objects.create(
            entity="CUSTOMER", code=code, value_type="TEXT", name=f"Called {code}"
        )
    odd = {"hashtags": ["a"], "a__tags": {"b": 1}, "status": ["x"], "phone": 7, "cols": None}
    customer = make_customer(home_org=province["a"], characteristics=odd)
    make_customer(home_org=province["a"])
    columns = "number,x.hashtags,x.a__tags,x.status,x.phone,x.cols,x.name"

    page = text(client, f"/customers/?cols={columns}")
    found = text(client, f"/customers/?cols={columns}&x.phone=7&x.cols.empty=yes")

    assert page.count("<tr>") == 3 and found.count("<tr>") == 2 and customer.number in found


def test_what_people_wrote_is_never_markup(client, manager, province):
    evil = '<img src=x onerror=alert(1)>"'
    customer = make_customer(home_org=province["a"], name=evil, kind="ORGANISATION")
    customer.characteristics = {"note": evil}
    customer.save()
    CharacteristicSpec.objects.create(
        entity="CUSTOMER", code="note", value_type="TEXT", name=evil, meaning=evil
    )
    CustomerTag.objects.create(customer=customer, tag=Tag.objects.create(name=evil))
    make_subscriber(customer=customer, plan_name=evil)

    for url in (
        "/customers/?cols=number,name,tag,x.note",
        "/customers/?cols=name&x.note.not=%3Cimg&add=x.note",
        f"/customers/?tag={evil}&add=tag",
        "/subscribers/?cols=plan_name,customer_name,customer_tag",
        "/lists/customers/bulk/?cols=name,x.note",
    ):
        page = text(client, url)
        assert "<img src=x" not in page and "&lt;img src=x" in page, url


def test_conditions_are_joined_and_each_can_be_taken_away(client, manager, province):
    vip = make_customer(home_org=province["a"], category="VIP", star=5)
    low = make_customer(home_org=province["a"], category="VIP", star=1)
    public = make_customer(home_org=province["b"], star=5)

    page = text(client, "/customers/?category=VIP&star.between=3..")

    assert vip.number in page and low.number not in page and public.number not in page
    assert f'href="{reverse("pages:customer", args=[vip.number])}"' in page
    assert "Category is VIP" in page and "Stars is 3 or more" in page
    assert 'href="/customers/?star.between=3.."' in page
    assert 'href="/customers/?category=VIP"' in page


def test_a_characteristic_is_a_filter_and_a_column(client, manager, province):
    CharacteristicSpec.objects.create(
        entity="CUSTOMER", code="tenure", value_type="INTEGER", name="Tenure in months"
    )
    long = make_customer(home_org=province["a"], characteristics={"tenure": 42})
    short = make_customer(home_org=province["a"], characteristics={"tenure": 2})

    page = text(client, "/customers/?x.tenure.between=12..&cols=name,number,x.tenure")

    assert long.number in page and short.number not in page
    assert '<td class="number">42</td>' in page and "Tenure in months is 12 or more" in page


@pytest.mark.parametrize(
    "query, said",
    [
        ("category=GOLD", "is never “GOLD”"),
        ("salary=1", "There is no field “salary”"),
        ("category.like=V", "cannot be asked whether"),
        ("cols=name,salary", "There is no column “salary”"),
        ("sort=random", "There is no order “random”"),
        ("name=王小明是我的", "no address holds a person"),
    ],
)
def test_what_cannot_be_asked_is_said_and_the_list_still_there(client, manager, query, said):
    page = text(client, f"/customers/?{query}", status=400)

    assert said in page
    assert '<table class="table">' in page


def test_the_form_works_without_javascript(client, manager, province):
    owing = make_account(customer=make_customer(home_org=province["a"]), balance_fen=-3820)
    make_account(customer=make_customer(home_org=province["a"]), balance_fen=100)

    chosen = text(client, "/accounts/?status=ACTIVE&add=balance")
    answer = client.get("/accounts/?status=ACTIVE&add=balance&op=between&low=&high=-0.01")

    assert 'name="low"' in chosen and '<input type="hidden" name="status" value="ACTIVE">' in chosen
    assert parse_qs(urlsplit(answer["Location"]).query) == {
        "status": ["ACTIVE"],
        "balance.between": ["..-0.01"],
    }
    page = text(client, answer["Location"])
    assert owing.number in page and page.count("<tr>") == 2


def test_several_boxes_ask_for_any_of_them(client, manager, province):
    answer = client.get("/customers/?add=category&op=is&value=VIP&value=ENTERPRISE")

    assert answer["Location"] == "/customers/?category.in=VIP,ENTERPRISE"


def test_a_bad_value_keeps_the_form_and_what_was_typed(client, manager, province):
    page = text(client, "/customers/?add=star&op=is&low=many&high=", status=400)

    assert "takes a whole number" in page and 'name="low" value="many"' in page


@pytest.mark.parametrize(
    "page, order", [("/customers/", "name"), ("/customers/", "number"), ("/customers/", "newest"),
                    ("/accounts/", "owed"), ("/accounts/", "balance"), ("/subscribers/", "oldest")],
)  # fmt: skip
def test_pages_follow_each_other_and_back_without_gap_or_repeat(
    client, manager, province, monkeypatch, page, order
):
    names = ["王伟", "王伟", "李娜", "Zed", "欧阳修", "", "王伟"]
    for n in range(23):
        customer = make_customer(
            home_org=province["a"], name=names[n % 7] or "A", opened_on=date(2020, 1, 1 + n % 3)
        )
        make_subscriber(customer=customer, opened_on=date(2020, 1, 1 + n % 3))
        make_account(customer=customer, balance_fen=(n % 3 - 1) * 100)
    monkeypatch.setattr(reading.page_of_list, "__kwdefaults__", {"limit": 5})

    seen, pages, url = [], [], f"{page}?sort={order}"
    while url:
        answer = client.get(url)
        found = answer.context["page"]
        pages.append([row["id"] for row in found.rows])
        seen += pages[-1]
        assert (found.previous is None) == (len(pages) == 1)
        previous, url = found.previous, found.next and f"{page}?sort={order}&cursor={found.next}"
    back = client.get(f"{page}?sort={order}&cursor={previous}").context["page"]

    assert len(seen) == len(set(seen)) == 23
    assert [row["id"] for row in back.rows] == pages[-2]
    assert client.get(f"{page}?cursor=nonsense").status_code == 400


def test_names_sort_by_pinyin(client, manager, province):
    for name in ("赵一", "Bob", "王小", "李娜"):
        make_customer(home_org=province["a"], name=name, kind="ORGANISATION")

    page = text(client, "/customers/")

    places = [page.index(name) for name in ("Bob", "李娜", "王小", "赵一")]
    assert places == sorted(places)


def test_a_filter_without_an_index_that_takes_too_long_is_answered_in_steps(
    client, manager, province, monkeypatch
):
    """A page of five thousand rows is shrunk to four, and the time to nothing."""
    monkeypatch.setattr(reading, "WINDOW", 4)
    found = [
        make_customer(home_org=province["a"], source="odd" if n in (2, 9) else "crm", name=f"N{n}")
        for n in range(11)
    ]
    slow = 'pg_sleep(0.2) IS NOT NULL AND "customers_customer"."source" = %s'
    monkeypatch.setattr(reading, "PAGE_MS", 50)
    monkeypatch.setattr(
        "customers.lists.wanted.compiled",
        lambda *_a, **_k: type("C", (), {"where": slow, "params": ("odd",)}),
    )

    first = client.get("/customers/?source=odd&sort=number")

    assert "No index serves this filter, so 4 rows" in first.content.decode()
    assert [row["number"] for row in first.context["page"].rows] == [found[2].number]
    numbers, page = [], first
    for _ in range(5):
        numbers += [row["number"] for row in page.context["page"].rows]
        if not page.context["page"].next:
            break
        page = client.get(f"/customers/?source=odd&sort=number&cursor={page.context['page'].next}")
    assert numbers == [found[2].number, found[9].number]


def test_a_count_stops_at_a_thousand(client, manager, province, monkeypatch):
    monkeypatch.setattr(reading, "COUNT_TO", 3)
    for _ in range(5):
        make_customer(home_org=province["a"], category="VIP")
    make_customer(home_org=make_staff().org, category="ENTERPRISE")

    with CaptureQueriesContext(
        connection,
    ) as asked:
        found = client.get("/lists/customers/count/?category=VIP")

    assert found.context["count"] == 4
    assert any("LIMIT 4" in query["sql"] for query in asked)
    assert text(client, "/lists/customers/count/?category=ENTERPRISE").strip() == "0"
    assert client.get("/lists/customers/count/?category=x").status_code == 400


@pytest.mark.parametrize("page", PAGES)
def test_the_number_of_queries_does_not_grow_with_the_rows(client, manager, province, page):
    asked = []
    for n in (1, 12, 40):
        for _ in range(n):
            customer = make_customer(home_org=province["a"], manager=manager)
            CustomerTag.objects.create(
                customer=customer, tag=Tag.objects.get_or_create(name="t")[0]
            )
            make_subscriber(customer=customer)
            make_account(customer=customer)
        prefix = "" if page == "/customers/" else "customer_"
        columns = f"number,{prefix}name,{prefix}home,{prefix}manager,{prefix}tag"
        with CaptureQueriesContext(connection) as queries:
            text(client, f"{page}?cols={columns}")
        asked.append(len(queries))

    assert asked[0] == asked[1] == asked[2]
    assert asked[0] <= 15


def test_views_show_as_tabs_with_counts(client, manager, province):
    make_customer(home_org=province["a"], category="VIP")
    view = SavedView.objects.create(
        kind=ListKind.CUSTOMERS, name="My VIPs", owner=manager,
        conditions=[{"field": "category", "op": "is", "values": ["VIP"]}],
    )  # fmt: skip

    tabs = text(client, f"/lists/customers/views/?view={view.pk}")
    page = text(client, f"/customers/?view={view.pk}")

    assert "My VIPs" in tabs and '<span class="soft">1</span>' in tabs
    assert "Category is VIP" in page
