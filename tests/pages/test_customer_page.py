import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from crm.platform.audit.models import AccessAction, AccessRecord
from crm.platform.records import first_of_month
from customers.models import (
    Bill,
    BillingAccount,
    CharacteristicSpec,
    ChurnScore,
    ContactMedium,
    Customer,
    Interaction,
    MonthlyUsage,
    Party,
    PartyIdentification,
    ServiceStop,
    Subscriber,
)
from tests.factories import make_account, make_customer, make_staff, make_subscriber

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


@pytest.fixture
def clerk(province, client, partitions):
    staff = make_staff("clerk", org=province["a_hall"])
    client.force_login(staff)
    return staff


@pytest.fixture
def wang(province):
    return make_customer(home_org=province["a_hall"], name="王小明")


def page_of(client, customer):
    response = client.get(f"/customers/{customer.number}/")
    assert response.status_code == 200
    return response.content.decode()


def give_everything(customer, n):
    """Give the customer `n` of everything that a list on the page shows."""
    months = [first_of_month(timezone.localdate())]
    for _ in range(min(n, 12)):
        months.append(first_of_month(months[-1] - timedelta(days=1)))
    start = BillingAccount.objects.count()
    accounts = BillingAccount.objects.bulk_create(
        BillingAccount(number=f"X{start + i}", customer=customer, opened_on=date(2020, 1, 1))
        for i in range(n)
    )
    lines = Subscriber.objects.bulk_create(
        Subscriber(
            number=f"X{start + i}",
            service_number=f"177{start + i:08}",
            customer=customer,
            opened_on=date(2020, 1, 1),
        )
        for i in range(n)
    )
    ServiceStop.objects.bulk_create(
        ServiceStop(subscriber=line, reason="LOST", raised_at=NOW) for line in lines
    )
    ContactMedium.objects.bulk_create(
        ContactMedium(party=customer.party, kind="PHONE", value=f"1{i:010}", starts_at=NOW)
        for i in range(n)
    )
    PartyIdentification.objects.bulk_create(
        PartyIdentification(
            party=customer.party,
            kind="OTHER",
            number_encrypted=b"",
            number_hash=i.to_bytes(16, "big"),
            number_masked="**",
        )
        for i in range(min(n, 20))
    )
    for month in months:
        Bill.objects.bulk_create(
            Bill(
                month=month,
                account_id=account.pk,
                number=f"B{account.pk}",
                customer_id=customer.pk,
                amount_fen=100,
                due_on=month,
            )
            for account in accounts
        )
        MonthlyUsage.objects.bulk_create(
            MonthlyUsage(
                month=month, subscriber_id=line.pk, customer_id=customer.pk, data_kb=1024 * 1024
            )
            for line in lines
        )
    Interaction.objects.bulk_create(
        Interaction(
            started_at=NOW - timedelta(hours=i), customer_id=customer.pk, channel="CALL",
            purpose="ENQUIRY",
        )
        for i in range(n)
    )  # fmt: skip


@pytest.mark.parametrize("n", [0, 1, 10, 1000])
def test_the_page_asks_at_most_twelve_questions_whatever_there_is(
    client, clerk, wang, n, django_assert_max_num_queries
):
    give_everything(wang, n)

    with django_assert_max_num_queries(12):
        page_of(client, wang)


def test_personal_data_is_masked(client, clerk, wang):
    make_subscriber(customer=wang, service_number="13812345678")
    for kind, value in (
        ("EMAIL", "wangxm@example.com"),
        ("ADDRESS", "南京市鼓楼区湖南路18号502室"),
    ):
        ContactMedium.objects.create(party=wang.party, kind=kind, value=value, starts_at=NOW)

    page = page_of(client, wang)

    assert "王*明" in page
    assert "138****5678" in page
    for whole in ("王小明", "13812345678", "wangxm", "502室"):
        assert whole not in page


def test_the_strip_tells_what_decides(client, clerk, wang):
    make_account(customer=wang, balance_fen=-3820, status="DUNNING")
    line = make_subscriber(
        customer=wang, status="SUSPENDED", contract_ends_on=timezone.localdate() + timedelta(9)
    )
    ServiceStop.objects.create(subscriber=line, reason="ARREARS_OUT", raised_at=NOW)

    page = page_of(client, wang)

    assert "¥38.20" in page
    assert "1 account in dunning" in page
    assert "in 9 days" in page
    assert "of 1 line" in page
    assert "Arrears, outgoing barred" in page


def test_the_riskiest_line_is_in_the_strip_and_its_card_says_why(client, clerk, wang):
    line = make_subscriber(customer=wang)
    ChurnScore.objects.create(
        as_of=first_of_month(timezone.localdate()),
        subscriber_id=line.pk,
        customer_id=wang.pk,
        probability=0.42,
        decile=1,
        model_version="churn-1",
        scored_at=NOW,
    )

    page = page_of(client, wang)

    assert "Churn risk" in page
    assert "42.0%" in page
    assert line.service_number not in page


def test_an_empty_customer_has_a_page_that_says_so(client, clerk, wang):
    page = page_of(client, wang)

    for sentence in (
        "No line has been opened.",
        "No billing account.",
        "No bill in 13 months.",
        "No usage in 13 months.",
        "No document on file",
    ):
        assert sentence in page


def test_a_look_is_written_down_once(client, clerk, wang):
    make_subscriber(customer=wang)

    page_of(client, wang)

    record = AccessRecord.objects.get(action=AccessAction.VIEW)
    assert (record.staff_id, record.customer_id) == (clerk.pk, wang.pk)
    assert record.object_id == wang.number
    assert record.field_classes == ["person_name", "phone"]


def test_a_stranger_finds_nothing_and_is_written_down(client, clerk, province):
    stranger = make_customer(home_org=province["b_hall"], name="李小红")

    for tail in ("", "timeline/", "lines/", "about/", "show/name/"):
        response = client.get(f"/customers/{stranger.number}/{tail}")
        assert response.status_code == 404
        assert "李" not in response.content.decode()

    denied = AccessRecord.objects.filter(action=AccessAction.DENIED)
    assert denied.count() == 5
    assert AccessRecord.objects.filter(action=AccessAction.VIEW).count() == 0


@pytest.mark.parametrize("role", ["analyst", "marketer", "admin"])
def test_roles_without_persons_are_refused(client, province, wang, role):
    client.force_login(make_staff(role, org=province["a_hall"]))

    for tail in ("", "timeline/", "lines/", "about/", "show/name/"):
        assert client.get(f"/customers/{wang.number}/{tail}").status_code == 403


def test_nothing_of_the_page_is_kept_by_a_browser(client, clerk, wang):
    for tail in ("", "timeline/", "lines/", "about/", "show/name/"):
        response = client.get(f"/customers/{wang.number}/{tail}")
        assert "no-store" in response["Cache-Control"], tail


@pytest.mark.parametrize("cursor", ["x", "20260101T000000.000000Z~x", "00010101T000000.0Z~", "~"])
def test_a_broken_cursor_begins_at_the_newest(client, clerk, wang, cursor):
    response = client.get(f"/customers/{wang.number}/timeline/", {"before": cursor})

    assert response.status_code == 200


@pytest.mark.parametrize("before", ["x", "-1", "9" * 31, "9" * 5000, "٣"])
def test_a_broken_place_in_the_lines_is_no_fault_of_ours(client, clerk, wang, before):
    response = client.get(f"/customers/{wang.number}/lines/", {"before": before})

    assert response.status_code == 200


def test_all_lines_come_fifty_at_a_time(client, clerk, wang):
    give_everything(wang, 60)

    first = client.get(f"/customers/{wang.number}/lines/").content.decode()
    older = re.search(r'class="btn" href="([^"]+before=[^"]+)"', first)
    second = client.get(older[1]).content.decode()

    assert "All 60 lines" in page_of(client, wang)
    assert first.count('class="line"') == 50
    assert second.count('class="line"') == 10


def test_what_the_files_say_comes_with_its_declared_name(client, clerk, wang):
    CharacteristicSpec.objects.create(
        entity="CUSTOMER", code="satisfaction", name="Satisfaction", name_zh="满意度",
        value_type="INTEGER",
    )  # fmt: skip
    Customer.objects.update(characteristics={"satisfaction": 4, "undeclared": "secret"})

    html = client.get(f"/customers/{wang.number}/about/").content.decode()

    assert "Satisfaction" in html
    assert "secret" not in html


def test_an_organisations_name_is_no_secret(client, clerk, province):
    firm = make_customer(home_org=province["a_hall"], name="长江物流有限公司", kind="ORGANISATION")

    page = page_of(client, firm)

    assert "长江物流有限公司" in page
    assert "show/name" not in page


def test_text_of_others_stays_text(client, clerk, wang):
    Party.objects.update(industry="<script>alert(1)</script>")
    make_subscriber(customer=wang, plan_name='"><img src=x onerror=alert(1)>')

    page = page_of(client, wang)

    assert "<script>alert" not in page
    assert "<img src=x" not in page


class TestUnmasking:
    @pytest.fixture(autouse=True)
    def line(self, wang):
        self.line = make_subscriber(customer=wang, service_number="13812345678")
        self.url = f"/customers/{wang.number}/show/line-{self.line.pk}/"

    def test_it_asks_why_first(self, client, clerk):
        page = client.get(self.url).content.decode()

        assert "Why do you need 138****5678 in full?" in page
        assert "13812345678" not in page

    def test_a_reason_shows_that_one_field_and_is_written_down(self, client, clerk, wang):
        response = client.post(self.url, {"reason": "Calling back"}, headers={"HX-Request": "true"})

        assert "13812345678" in response.content.decode()
        assert "王小明" not in response.content.decode()
        assert "no-store" in response["Cache-Control"]
        record = AccessRecord.objects.get(action=AccessAction.UNMASK)
        assert record.reason == "Calling back"
        assert record.customer_id == wang.pk
        assert record.field_classes == ["phone"]
        assert "138" not in record.object_id

    def test_without_javascript_the_page_leaves_by_itself(self, client, clerk, wang):
        response = client.post(self.url, {"reason": "Calling back"})

        assert response["Refresh"] == f"30;url=/customers/{wang.number}/"

    @pytest.mark.parametrize("reason", ["", "   ", "abc", "\u200b" * 4, "\u202e" * 9, "....."])
    def test_no_reason_shows_nothing(self, client, clerk, reason):
        response = client.post(self.url, {"reason": reason}, headers={"HX-Request": "true"})

        assert response.status_code == 409
        assert "Say why you need it" in response.content.decode()
        assert "13812345678" not in response.content.decode()
        assert not AccessRecord.objects.filter(action=AccessAction.UNMASK).exists()

    @pytest.mark.parametrize("role", ["auditor", "manager"])
    def test_who_sees_masked_only_may_not(self, client, province, role):
        client.force_login(make_staff(role, org=province["a_hall"]))

        assert client.post(self.url, {"reason": "Calling back"}).status_code == 403

    def test_another_customers_field_is_not_reached_through_ours(self, client, clerk, wang):
        other = make_subscriber(service_number="13911112222")

        for name in (f"line-{other.pk}", "line-", "line-x", "id", "medium-1", "line-9" + "9" * 30):
            url = f"/customers/{wang.number}/show/{name}/"
            assert client.post(url, {"reason": "Calling back"}).status_code == 404, name
