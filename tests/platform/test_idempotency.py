"""The claims of the IETF draft, with the control that shows what happens without the mixin."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from crm.platform.access.models import OrgUnit
from crm.platform.api import idempotency
from crm.platform.api.models import IdempotencyKey
from crm.platform.api.tasks import forget_expired
from tests.factories import make_staff

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.platform.sample_api"),
]
MAKING = "/api/v1/sample/making/"
AT_ONCE = 50


@pytest.fixture
def staff():
    return make_staff("clerk", language="en")


def post(staff, body, *, key='"k-1"', url=MAKING):
    api = APIClient()
    api.force_authenticate(staff)
    headers = {"Idempotency-Key": key} if key else {}
    return api.post(url, body, format="json", headers=headers)


def made() -> int:
    return OrgUnit.objects.filter(code__startswith="M").count()


def test_the_same_again_answers_the_same(staff):
    first = post(staff, {"name": "a"})
    again = post(staff, {"name": "a"})

    assert (first.status_code, made()) == (201, 1)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers


def test_without_a_key_every_request_counts(staff):
    post(staff, {"name": "a"}, key=None)
    post(staff, {"name": "a"}, key=None)

    assert made() == 2


def test_another_body_is_422_and_does_nothing(staff):
    post(staff, {"name": "a"})
    other = post(staff, {"name": "b"})

    assert (other.status_code, other.json()["code"], made()) == (422, "idempotency_key_reused", 1)


def test_the_order_of_fields_and_blanks_is_no_other_body(staff):
    api = APIClient()
    api.force_authenticate(staff)
    sent = {"content_type": "application/json", "headers": {"Idempotency-Key": "k"}}
    api.post(MAKING, b'{"name": "a", "x": 1}', **sent)
    again = api.post(MAKING, b'{"x":1,"name":"a"}', **sent)

    assert (again.status_code, made()) == (201, 1)


def test_a_key_belongs_to_its_caller_and_its_route(staff):
    post(staff, {"name": "a"})
    post(make_staff("clerk"), {"name": "a"})
    post(staff, {"name": "a"}, url="/api/v1/sample/insisting/")

    assert made() == 3


@pytest.mark.parametrize("key", ['"' + "x" * 256 + '"', "x" * 300, "a\tb", '"open', "ключ"])
def test_a_malformed_key_is_400(staff, key):
    assert post(staff, {"name": "a"}, key=key).status_code == 400
    assert made() == 0


def test_where_a_key_is_required_its_absence_is_400(staff):
    answer = post(staff, {"name": "a"}, key=None, url="/api/v1/sample/insisting/")

    assert (answer.status_code, answer.json()["details"][0]["field"]) == (400, "Idempotency-Key")


def test_a_mistake_of_the_caller_is_kept_and_its_work_undone(staff):
    first = post(staff, {"name": "a", "then": "not_valid"})
    again = post(staff, {"name": "a", "then": "not_valid"})

    assert (first.status_code, again.status_code, again.content) == (400, 400, first.content)
    assert made() == 0
    assert again.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(("then", "status"), [("refuse", 409), ("break", 500)])
def test_what_may_go_better_next_time_is_not_kept(staff, then, status):
    for _ in range(2):
        answer = post(staff, {"name": "a", "then": then})
        assert answer.status_code == status
        assert "Idempotency-Replayed" not in answer.headers

    assert (made(), IdempotencyKey.objects.count()) == (0, 0)


def test_while_the_first_runs_its_twin_is_told_to_wait(staff):
    claimed = threading.Event()
    original = idempotency.claim

    def claim(**given):
        row = original(**given)
        claimed.set()
        return row

    idempotency.claim = claim
    try:
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(in_thread, staff, {"name": "a", "seconds": 1})
            assert claimed.wait(5)
            twin = post(staff, {"name": "a", "seconds": 1})
            assert first.result().status_code == 201
    finally:
        idempotency.claim = original

    assert (twin.status_code, twin.json()["code"]) == (409, "idempotency_key_in_use")
    assert int(twin.headers["Retry-After"]) >= 1
    assert made() == 1


def in_thread(staff, body, url=MAKING):
    try:
        return post(staff, body, url=url)
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("url", "effects"), [(MAKING, 1), ("/api/v1/sample/unprotected/", AT_ONCE)]
)
def test_fifty_at_once_have_one_effect_and_without_the_mixin_fifty(staff, url, effects):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(
            pool.map(lambda _: in_thread(staff, {"name": "a", "seconds": 0.2}, url), range(AT_ONCE))
        )

    assert made() == effects
    assert {a.status_code for a in answers} <= {201, 409}
    assert len({a.content for a in answers if a.status_code == 201}) == effects


def crash(staff, body) -> None:
    """A process that dies after its claim: nothing of it is left but the claim."""
    api = APIClient()
    api.force_authenticate(staff)
    original = idempotency.IdempotentMixin._keep
    release = idempotency.IdempotencyKey.objects.filter

    class Died(BaseException):
        pass

    def die(*_args):
        raise Died

    idempotency.IdempotentMixin._keep = die
    try:
        with pytest.raises(Died):
            api.post(MAKING, body, format="json", headers={"Idempotency-Key": '"k-1"'})
    finally:
        idempotency.IdempotentMixin._keep = original
    assert release(status=None).count() == 1


def test_a_crash_before_the_commit_leaves_nothing_and_after_its_time_the_retry_runs(staff):
    crash(staff, {"name": "a"})
    assert made() == 0
    assert post(staff, {"name": "a"}).status_code == 409  # it might still be running

    past = timezone.now() - IdempotencyKey.HARD_LIMIT
    IdempotencyKey.objects.update(claimed_at=past)
    other = post(staff, {"name": "b"})
    retry = post(staff, {"name": "a"})

    assert (other.status_code, retry.status_code, made()) == (422, 201, 1)


def test_a_slow_request_whose_claim_was_taken_over_undoes_its_work(staff):
    claimed = threading.Event()
    original = idempotency.claim

    def claim(**given):
        row = original(**given)
        claimed.set()
        return row

    idempotency.claim = claim
    try:
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(in_thread, staff, {"name": "a", "seconds": 1})
            assert claimed.wait(5)
            past = timezone.now() - IdempotencyKey.HARD_LIMIT
            IdempotencyKey.objects.update(claimed_at=past)
            quick = post(staff, {"name": "a", "seconds": 1})
            assert slow.result().status_code == 409
    finally:
        idempotency.claim = original

    assert (quick.status_code, made()) == (201, 1)


def test_after_a_day_the_key_is_free(staff):
    post(staff, {"name": "a"})
    yesterday = timezone.now() - timedelta(days=1, seconds=1)
    IdempotencyKey.objects.update(claimed_at=yesterday, expires_at=yesterday + timedelta(days=1))

    assert post(staff, {"name": "b"}).status_code == 201
    assert made() == 2


def test_expired_keys_are_swept(staff):
    post(staff, {"name": "a"})
    yesterday = timezone.now() - timedelta(days=1, seconds=1)
    IdempotencyKey.objects.update(claimed_at=yesterday, expires_at=yesterday + timedelta(days=1))

    forget_expired()

    assert not IdempotencyKey.objects.exists()
