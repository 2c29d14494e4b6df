import json

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.test import Client
from rest_framework.test import APIClient

from crm.platform.audit.models import AccessAction, AccessRecord
from tests.factories import make_staff

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.platform.sample_api")]
ORDERS = "/api/v1/sample/orders/"


@pytest.fixture
def staff():
    staff = make_staff("clerk", language="en")
    staff.user_permissions.add(Permission.objects.get(codename="view_orgunit"))
    return staff


@pytest.fixture
def api(staff):
    client = APIClient(headers={"accept-language": "en"})
    client.force_login(staff)
    return client


def is_an_error(answer, status: int, code: str) -> dict:
    body = answer.json()
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("application/json")
    assert body.keys() == {"code", "reason", "message", "status", "details"}
    assert (body["code"], body["status"]) == (code, str(status))
    assert body["reason"] and body["message"].startswith(body["reason"])
    return body


def test_a_refusal_of_the_business_is_409_with_every_failing_rule(api):
    body = is_an_error(api.get("/api/v1/sample/refusing/"), 409, "line_not_active")

    assert body["reason"] == "The line is not active."
    assert body["message"] == "The line is not active. Take the payment."
    assert body["details"] == [
        {
            "field": "account",
            "code": "owes",
            "message": "84.20 is owed.",
            "remedy": "Take the payment.",
        }
    ]


def test_wrong_fields_are_named_by_their_path(api):
    body = is_an_error(
        api.post(ORDERS, {"name": "far too long a name", "lines": [{"price": 1}, {"price": -1}]}),
        400,
        "invalid",
    )

    assert [(d["field"], d["code"]) for d in body["details"]] == [
        ("name", "max_length"),
        ("lines.1.price", "min_value"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b'{"name": NaN}',
        b'{"name": "a\\u0000b", "lines": []}',
        b'"\\ud800"',
        b"[" * 100_000,
    ],
)
def test_what_is_no_json_is_400(api, body):
    is_an_error(api.post(ORDERS, body, content_type="application/json"), 400, "parse_error")


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"7", b"null", b'"x"', b'{"name": {"a": 1}, "lines": 7}', b'{"lines": null}'],
)
def test_json_of_another_shape_is_400(api, body):
    is_an_error(api.post(ORDERS, body, content_type="application/json"), 400, "invalid")


@pytest.mark.parametrize(
    ("n", "s"), [(10**30, "x"), (-(2**63) - 1, "x"), (1, "a\\u0000b"), ("one", "x")]
)
def test_what_sql_cannot_hold_is_never_a_500(api, n, s):
    body = json.dumps({"n": n, "s": s}).replace("\\\\u", "\\u")
    answer = api.post("/api/v1/sample/storing/", body, content_type="application/json")

    assert answer.status_code == (500 if n == "one" else 400)  # the last is the view's own fault


def test_a_huge_body_is_413(api, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = api.post(ORDERS, b" " * 1001, content_type="application/json")

    is_an_error(answer, 413, "too_large")


def test_an_escaped_backslash_is_no_nul(api):
    answer = api.post(
        ORDERS, b'{"name": "a\\\\u0000", "lines": []}', content_type="application/json"
    )

    assert (answer.status_code, answer.json()["name"]) == (201, "a\\u0000")


def test_the_other_statuses_have_the_same_shape(api, staff):
    nobody = APIClient()
    unauthorized = nobody.get(ORDERS)
    is_an_error(unauthorized, 401, "not_authenticated")
    assert unauthorized.headers["WWW-Authenticate"].startswith("Bearer")
    is_an_error(api.get("/api/v1/sample/missing/x/"), 404, "not_found")
    is_an_error(api.get("/api/v1/no/such/"), 404, "not_found")
    is_an_error(api.delete(ORDERS), 405, "method_not_allowed")
    is_an_error(api.get(ORDERS, headers={"Accept": "image/png"}), 406, "not_acceptable")
    is_an_error(api.post(ORDERS, b"x", content_type="text/plain"), 415, "unsupported_media_type")
    staff.user_permissions.clear()
    is_an_error(api.get(ORDERS), 403, "permission_denied")


def test_a_fault_of_ours_names_the_request_and_nothing_else(api, caplog):
    answer = api.get("/api/v1/sample/broken/", headers={"X-Request-ID": "trace-0001"})

    body = is_an_error(answer, 500, "internal_error")
    assert "trace-0001" in body["message"]
    assert "13800138000" not in answer.content.decode()
    assert "A REST request failed" in caplog.text


def test_too_many_calls_are_429_with_how_long_to_wait(api, monkeypatch):
    monkeypatch.setattr("crm.platform.api.throttling.RATE_PER_MINUTE", 2)

    answers = [api.get(ORDERS) for _ in range(5)]

    body = is_an_error(answers[-1], 429, "throttled")
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 61
    assert body["details"] == []


def test_without_its_cache_the_limit_lets_pass(api, settings):
    settings.CACHES = {
        "default": settings.CACHES["default"] | {"LOCATION": "unix:///nowhere/cache.sock?db=0"}
    }

    assert api.get(ORDERS).status_code == 200


@pytest.mark.parametrize(
    "query", ["name=%00", "%00=1", "name=%ff%fe", "name=%ed%a0%80", "cursor=%00", "name=%c3%28"]
)
@pytest.mark.parametrize("path", ["/sample/page/", ORDERS, "/login/"])
def test_an_address_that_is_no_text_is_400_everywhere(api, path, query):
    assert api.get(f"{path}?{query}").status_code == 400


def test_a_nul_in_the_path_is_400_or_404(api):
    assert api.get("/api/v1/sample/missing/a%00b/").status_code in (400, 404)


def test_a_nul_in_a_form_is_400(client):
    assert client.post("/sample/page/", {"name": "a\0b"}).status_code == 400


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/x-www-form-urlencoded; charset=utf-7", 400),
        ("multipart/form-data", 400),
        ("multipart/form-data; boundary=\xff", 400),
    ],
)
@pytest.mark.urls("crm.urls")
def test_a_body_that_cannot_be_read_is_400(staff, content_type, status):
    client = Client(enforce_csrf_checks=True)
    client.get("/login/")

    answer = client.generic("POST", "/login/", b"a=b", content_type=content_type)

    assert answer.status_code == status
    assert "<h1>" in answer.content.decode()


@pytest.mark.urls("crm.urls")
def test_who_may_not_is_told_so_whatever_they_sent(staff):
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(staff)
    client.cookies[settings.CSRF_COOKIE_NAME] = "c" * 32

    answer = client.generic("POST", "/feeds/new/", b"a=b", content_type="multipart/form-data")

    assert answer.status_code == 403
    assert "Not yours to open" in answer.content.decode()


@pytest.mark.parametrize("path", ["/login/", "/feeds/new/", "/search/", ORDERS])
@pytest.mark.urls("crm.urls")
def test_a_file_nobody_asked_for_is_not_received(staff, path):
    file = Unread(b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n')
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff)
    client.cookies[settings.CSRF_COOKIE_NAME] = "c" * 32  # or the body is not looked at
    sent = {"wsgi.input": file, "CONTENT_LENGTH": str(1 << 40)}

    answer = client.generic("POST", path, CONTENT_TYPE="multipart/form-data; boundary=x", **sent)

    assert answer.status_code in (403, 404, 415)
    assert file.given < 1 << 20


class Unread:
    """A body that never ends; counts how much of it was read."""

    def __init__(self, head: bytes) -> None:
        self._head, self.given = head, 0

    def read(self, size: int = -1) -> bytes:
        assert self.given < 8 << 20, "read on and on"
        block = self._head or b"z" * min(size, 1 << 16)
        self._head = b""
        self.given += len(block)
        return block

    readline = read


def test_plain_text_passes(api):
    assert api.get("/sample/page/?name=王小明+%26").status_code == 200


@pytest.mark.parametrize("given", ["short", "x" * 65, "a b c d e f", "träce-0001", ""])
def test_a_strange_request_id_is_replaced(given):
    answer = Client().get("/health/live", headers={"X-Request-ID": given})

    assert answer.headers["X-Request-ID"] != given
    assert len(answer.headers["X-Request-ID"]) == 32


def test_a_sane_request_id_is_kept():
    answer = Client().get("/health/live", headers={"X-Request-ID": "trace-0001"})

    assert answer.headers["X-Request-ID"] == "trace-0001"


@pytest.mark.parametrize(("path", "rows"), [("/api/v1/sample/missing/9/", 1), ("/nowhere/", 0)])
def test_a_denied_look_leaves_one_record(api, staff, path, rows):
    before = AccessRecord.objects.filter(action=AccessAction.DENIED).count()
    api.get(path)

    denied = AccessRecord.objects.filter(action=AccessAction.DENIED)
    assert denied.count() - before == rows
    if rows:
        row = denied.get()
        assert (row.staff, row.object_type, row.object_id, row.reason) == (
            staff,
            "sample-missing",
            "9",
            "GET 404",
        )


def test_a_forbidden_act_leaves_one_record_and_an_unknown_caller_none(api, staff):
    staff.user_permissions.clear()
    api.get(ORDERS)
    APIClient().get(ORDERS)

    row = AccessRecord.objects.get(action=AccessAction.DENIED)
    assert (row.staff, row.reason) == (staff, "GET 403")
