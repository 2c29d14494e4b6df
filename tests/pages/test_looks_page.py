"""`/customers/<number>/looks/`: who looked at a customer, and the answer to one who asks."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from crm.platform.audit.models import AccessAction, AccessRecord
from crm.platform.audit.services import record_access
from crm.platform.csv_text import csv_of
from tests.factories import make_customer, make_org, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def wang(province):
    return make_customer(home_org=province["a_hall"], name="王小明")


@pytest.fixture
def clerk(province):
    return make_staff("clerk", org=province["a_hall"], staff_code="a-clerk", name="Ada Byron")


@pytest.fixture
def far_clerk(province):
    return make_staff("clerk", org=province["b_hall"], staff_code="b-clerk")


def look(actor, customer, at=None, **given):
    fields = {
        "action": AccessAction.VIEW, "object_type": "customers.customer",
        "object_id": customer.number, "customer_id": customer.pk,
    }  # fmt: skip
    record_access(actor=actor, at=at or timezone.now(), **fields | given)


def log_in(client, role, org):
    staff = make_staff(role, org=org)
    client.force_login(staff)
    return staff


def url(customer, query=""):
    return f"/customers/{customer.number}/looks/{query}"


def seen(client, customer, query=""):
    answer = client.get(url(customer, query))
    assert answer.status_code == 200
    return [(row.staff.staff_code, row.action) for row, _what in answer.context["looks"]]


def export(client, customer, reason="Asked at the counter, T-17", **given):
    return client.post(url(customer, "export/"), {"reason": reason} | given)


def lines_of(answer):
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_it_says_who_where_what_how_and_why(client, province, wang, clerk):
    log_in(client, "auditor", province["p"])
    look(
        clerk, wang, action=AccessAction.UNMASK, object_type="customers.customer.line",
        field_classes=["phone"], reason="Calling the customer back", row_count=3,
    )  # fmt: skip

    page = client.get(url(wang)).content.decode()

    for said in (
        "a-clerk", "Ada Byron", "Business-hall clerk", clerk.org.name, "Unmask",
        "the number of a line", "phone number", "Calling the customer back",
    ):  # fmt: skip
        assert said in page
    assert "王小明" not in page


def test_the_look_at_the_looks_is_one_too(client, province, wang):
    auditor = log_in(client, "auditor", province["p"])

    assert seen(client, wang) == []
    assert seen(client, wang) == [(auditor.staff_code, "VIEW")]
    assert AccessRecord.objects.latest("at").object_type == "customers.customer.looks"


def test_a_search_that_opened_the_customer_is_one(client, province, wang, clerk):
    client.force_login(clerk)
    client.post("/search/", {"q": wang.number})
    log_in(client, "auditor", province["p"])

    assert "a search that opened them" in client.get(url(wang)).content.decode()


def test_the_customer_page_leads_there_for_whom_it_is(client, province, wang, clerk):
    log_in(client, "hallmanager", province["a_hall"])
    assert url(wang) in client.get(f"/customers/{wang.number}/").content.decode()

    client.force_login(clerk)
    assert url(wang) not in client.get(f"/customers/{wang.number}/").content.decode()


def test_only_this_customer(client, province, wang, clerk):
    log_in(client, "auditor", province["p"])
    look(clerk, make_customer(home_org=province["a_hall"]))

    assert seen(client, wang) == []


def test_filters(client, province, wang, clerk, far_clerk):
    log_in(client, "auditor", province["p"])
    midnight = datetime(2026, 11, 9, 16, tzinfo=UTC)  # the tenth begins in Shanghai
    look(clerk, wang, at=midnight - timedelta(seconds=1))
    look(clerk, wang, at=midnight, action=AccessAction.PRINT)
    look(far_clerk, wang, at=midnight + timedelta(days=1))

    assert len(seen(client, wang, "?since=2026-11-10&until=2026-11-11")) == 2
    assert seen(client, wang, "?until=2026-11-10&action=PRINT") == [("a-clerk", "PRINT")]
    assert seen(client, wang, "?since=2026-11-09&until=2026-11-09") == [("a-clerk", "VIEW")]
    assert seen(client, wang, "?staff=b-clerk") == [("b-clerk", "VIEW")]
    assert "Enter a valid date" in client.get(url(wang, "?since=soon")).content.decode()


def test_long_logs_are_paged(client, province, wang, clerk):
    log_in(client, "auditor", province["p"])
    for n in range(60):
        look(clerk, wang, at=timezone.now() - timedelta(minutes=n))

    first = client.get(url(wang))
    older = client.get(url(wang), {"cursor": first.context["page"].next})

    assert (len(first.context["looks"]), len(older.context["looks"])) == (50, 10)
    assert client.get(url(wang), {"cursor": "x"}).status_code == 400


@pytest.mark.parametrize("n", [1, 45])
def test_the_number_of_questions_does_not_grow(
    client, province, wang, clerk, n, django_assert_max_num_queries
):
    log_in(client, "auditor", province["p"])
    for _ in range(n):
        look(clerk, wang)
    with django_assert_max_num_queries(8):
        client.get(url(wang))


@pytest.mark.parametrize("role", ["hallmanager", "teamlead"])
def test_who_leads_people_sees_the_looks_of_their_own(
    client, province, wang, clerk, far_clerk, role
):
    log_in(client, role, province["a_hall"])
    for staff in (clerk, far_clerk, make_staff("agent", org=province["p"])):
        look(staff, wang)
    look(None, wang)

    assert seen(client, wang) == [("a-clerk", "VIEW")]
    assert "your own people" in client.get(url(wang)).content.decode()
    assert export(client, wang).status_code == 403


def test_an_auditor_of_another_province_sees_nothing(client, wang, clerk):
    log_in(client, "auditor", make_org())

    assert client.get(url(wang)).status_code == 404
    assert export(client, wang).status_code == 404


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("auditor", 200), ("manager", 200), ("hallmanager", 200), ("teamlead", 200),
        ("clerk", 403), ("agent", 403), ("accountmanager", 403), ("dispatcher", 403),
        ("marketer", 403), ("analyst", 403), ("admin", 403),
    ],
)  # fmt: skip
def test_who_may(client, province, wang, role, status):
    log_in(client, role, province["a_hall"])

    assert client.get(url(wang)).status_code == status


class TestTheAnswerToTheCustomer:
    @pytest.fixture
    def auditor(self, client, province):
        return log_in(client, "auditor", province["p"])

    def test_names_staff_by_code_and_hall_and_is_written_down(self, client, auditor, wang, clerk):
        look(clerk, wang, at=datetime(2026, 11, 10, 4, tzinfo=UTC), field_classes=["phone"])

        answer = export(client, wang)

        head, line = lines_of(answer)
        assert line == [
            "2026-11-10T12:00:00+08:00", "a-clerk", "Business-hall clerk", clerk.org.name, "View",
            "done", "the customer's page", "phone number", "1", "",
        ]  # fmt: skip
        assert len(head) == len(line) and "Ada Byron" not in answer.content.decode()
        assert answer["Content-Disposition"].startswith("attachment")
        assert "no-store" in answer["Cache-Control"]
        act = AccessRecord.objects.latest("at")
        assert (act.action, act.staff, act.customer_id, act.row_count) == (
            AccessAction.EXPORT, auditor, wang.pk, 1,
        )  # fmt: skip
        assert act.reason == "Asked at the counter, T-17"

    def test_takes_the_filter_along(self, client, auditor, wang, clerk, far_clerk):
        look(clerk, wang)
        look(far_clerk, wang)

        assert [row[1] for row in lines_of(export(client, wang, staff="b-clerk"))[1:]] == [
            "b-clerk"
        ]
        assert AccessRecord.objects.latest("at").reason.endswith("staff=b-clerk")

    def test_nothing_runs_as_a_formula(self, client, auditor, wang, clerk):
        look(clerk, wang, action=AccessAction.UNMASK, reason='=HYPERLINK("http://x","y")')

        assert lines_of(export(client, wang))[1][-1].startswith("'=")

    @pytest.mark.parametrize("reason", ["", "  - ", "ok"])
    def test_needs_a_reason(self, client, auditor, wang, reason):
        answer = export(client, wang, reason, staff="a-clerk")

        assert answer.status_code == 409 and "Say how the customer asked" in answer.content.decode()
        assert 'value="a-clerk"' in answer.content.decode()
        assert not AccessRecord.objects.filter(action=AccessAction.EXPORT).exists()

    def test_a_bad_filter_is_said(self, client, auditor, wang):
        answer = export(client, wang, since="soon")

        assert answer.status_code == 409 and "Enter a valid date" in answer.content.decode()

    def test_is_not_to_be_had_by_a_link(self, client, auditor, wang):
        assert client.get(url(wang, "export/")).status_code == 405


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\tx", "\rx"])
def test_risky_texts_are_made_harmless_and_numbers_stay(cell):
    (line,) = csv.reader(io.StringIO(csv_of([[cell, -1, None, "a,b"]])[1:], newline=""))

    assert line == [f"'{cell}", "-1", "", "a,b"]
