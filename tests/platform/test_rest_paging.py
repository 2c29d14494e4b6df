from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from crm.platform.access.models import OrgUnit
from crm.platform.audit.models import AccessRecord
from crm.platform.audit.services import record_access
from crm.platform.keyset import BadCursor, page_of
from tests.factories import make_org, make_staff

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.platform.sample_api")]
URL = "/api/v1/sample/units/"
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def api():
    staff = make_staff(language="en")
    staff.user_permissions.add(Permission.objects.get(codename="view_orgunit"))
    client = APIClient()
    client.force_login(staff)
    return client


def codes(api, url: str) -> list[str]:
    found = []
    while url:
        body = api.get(url).json()
        found += [item["code"] for item in body["items"]]
        url = body["next"]
    return found


def test_all_rows_come_once_newest_first(api):
    for _ in range(7):
        make_org()
    OrgUnit.objects.update(created_at=NOON)  # all at the same moment: the id decides

    newest_first = list(OrgUnit.objects.order_by("-id").values_list("code", flat=True))
    assert codes(api, f"{URL}?limit=3") == newest_first


def test_a_row_that_comes_between_two_pages_neither_repeats_nor_hides_one(api):
    for _ in range(5):
        make_org()
    first = api.get(f"{URL}?limit=2").json()
    make_org()

    rest = codes(api, first["next"])

    together = [item["code"] for item in first["items"]] + rest
    assert len(set(together)) == len(together) == 6


def test_the_next_page_is_found_along_the_index_and_nothing_is_counted(api):
    make_org()
    make_org()
    url = api.get(f"{URL}?limit=1").json()["next"]

    with CaptureQueriesContext(
        connection,
    ) as asked:
        api.get(url)

    (sql,) = [
        q["sql"] for q in asked if 'FROM "access_orgunit"' in q["sql"] and "LIMIT" in q["sql"]
    ]
    assert '("access_orgunit"."created_at", "access_orgunit"."id") < (' in sql
    assert not any("COUNT(" in q["sql"] for q in asked)


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "", "9" * 5000, "٣", "1.5"])
def test_a_limit_that_is_none_is_400(api, limit):
    answer = api.get(URL, {"limit": limit})

    assert (answer.status_code, answer.json()["details"][0]["field"]) == (400, "limit")


@pytest.mark.parametrize("cursor", ["x", "W10:1uX:aaaa", "a" * 10_000, "a:b", ":::", "[]"])
def test_a_cursor_that_is_not_ours_is_400(api, cursor):
    answer = api.get(URL, {"cursor": cursor})

    assert (answer.status_code, answer.json()["details"][0]["field"]) == (400, "cursor")


def test_a_cursor_of_another_list_is_refused():
    make_org()
    make_org()
    cursor = page_of(OrgUnit.objects.all(), ordering=["id"], cursor=None, limit=1).next

    with pytest.raises(BadCursor):
        page_of(OrgUnit.objects.all(), ordering=["code"], cursor=cursor, limit=1)


def test_pages_go_forth_and_back_over_a_composite_key():
    for n in range(5):  # within one millisecond
        at = NOON + timedelta(microseconds=n // 2)
        record_access(actor=None, action="VIEW", object_type="x", object_id=n // 2, at=at)

    def page(cursor=None):
        return page_of(AccessRecord.objects.all(), ordering=("-at", "-id"), cursor=cursor, limit=2)

    first = page()
    second = page(first.next)
    third = page(second.next)
    back = page(third.previous)

    assert len({r.id for r in first.rows + second.rows + third.rows}) == 5
    assert [r.object_id for r in first.rows + second.rows + third.rows] == list("21100")
    assert (first.previous, third.next) == (None, None)
    assert back.rows == second.rows
    assert page(back.previous).rows == first.rows
    assert page(back.previous).previous is None
