from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils import timezone

from crm.platform.audit.models import AccessAction, AccessRecord
from crm.platform.audit.services import record_access
from tests.factories import make_province, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def land():
    return make_province()


@pytest.fixture
def clerk(land):
    return make_staff("clerk", org=land["a_hall"], staff_code="gl-clerk", name="Ada Byron")


@pytest.fixture
def auditor(land):
    client = Client(headers={"accept-language": "en"})
    client.force_login(make_staff("auditor", org=land["p"], language="en"))
    return client


def look(actor, at=None, **given) -> None:
    fields = {"action": AccessAction.VIEW, "object_type": "customers.customer"}
    record_access(actor=actor, at=at or timezone.now(), **fields | given)


def rows(client, query: str = "") -> str:
    page = client.get(f"/audit/{query}")
    assert page.status_code == 200
    return page.content.decode()


def test_a_row_says_who_where_what_whom_and_why(auditor, clerk):
    look(
        clerk,
        action=AccessAction.UNMASK,
        customer_id=77,
        field_classes=["phone"],
        reason="Number read back",
    )

    page = rows(auditor)

    for said in ("gl-clerk", "Ada Byron", "clerk", clerk.org.name, "Unmask", "#77", "phone"):
        assert said in page
    assert "Number read back" in page


def test_filters_narrow(auditor, clerk, land):
    other = make_staff("agent", org=land["p"], staff_code="agent-7")
    look(clerk, customer_id=1)
    look(other, customer_id=2, action=AccessAction.PRINT)
    look(clerk, customer_id=3, at=datetime(2026, 10, 1, 16, 30, tzinfo=UTC))  # 2 October here

    assert "#2" not in rows(auditor, "?staff=gl-clerk") and "#1" in rows(auditor, "?staff=gl-clerk")
    assert "#1<" not in rows(auditor, "?customer=2") and "#2<" in rows(auditor, "?customer=2")
    assert "#2<" in rows(auditor, "?action=PRINT") and "#1<" not in rows(auditor, "?action=PRINT")
    assert "#3<" in rows(auditor, "?day=2026-10-02") and "#1<" not in rows(
        auditor, "?day=2026-10-02"
    )
    assert "#3<" not in rows(auditor, "?day=2026-10-01")
    assert "Nobody did that" in rows(auditor, "?staff=nobody")


@pytest.mark.parametrize(
    "query",
    [
        "?customer=x",
        "?customer=99999999999999999999",
        "?customer=-1",
        "?action=GLANCE",
        "?day=2026-13-01",
        "?day=0001-01-01",
        "?day=9999-12-31",
        "?staff=" + "x" * 50,
    ],
)
def test_nonsense_is_said_beside_its_field(auditor, clerk, query):
    look(clerk, customer_id=1)

    page = rows(auditor, query)

    assert "_error" in page and "#1<" not in page


def test_the_auditors_own_look_is_recorded(auditor, clerk):
    look(clerk, customer_id=5)
    rows(auditor, "?customer=5")

    own = AccessRecord.objects.filter(object_type="audit.accessrecord").get()
    assert (own.action, own.customer_id, own.row_count, own.reason) == (
        AccessAction.SEARCH,
        5,
        1,
        "customer=5",
    )


@pytest.mark.parametrize("role", ["clerk", "manager", "admin", "analyst"])
def test_nobody_else_reads_it(role):
    client = Client()
    client.force_login(make_staff(role))

    assert client.get("/audit/").status_code == 403
    assert AccessRecord.objects.get(action=AccessAction.DENIED).reason == "GET 403"


def test_another_province_is_not_theirs(auditor):
    look(make_staff("clerk"), customer_id=99)

    assert "#99<" not in rows(auditor)


def test_fifty_rows_cost_no_more_queries_than_one(auditor, clerk, django_assert_max_num_queries):
    for n in range(60):
        look(clerk, customer_id=n + 1)
    rows(auditor)

    with django_assert_max_num_queries(12):
        page = rows(auditor)

    assert page.count("<tr>") == 51
    assert 'rel="next"' in page
