import hashlib
from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import RequestFactory, override_settings

from crm.platform.audit.models import AccessAction, AccessRecord, AccessResult
from crm.platform.audit.services import record_access
from tests.factories import make_staff

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def look(**given) -> AccessRecord:
    fields = {
        "actor": None,
        "action": AccessAction.VIEW,
        "object_type": "customers.customer",
        "at": NOON,
    }
    record_access(**fields | given)
    return AccessRecord.objects.order_by("-id").first()


def test_a_look_says_who_whom_what_and_from_where():
    clerk = make_staff("clerk", "agent")
    request = RequestFactory().get("/", REMOTE_ADDR="10.1.2.3", HTTP_USER_AGENT="Lynx")
    request.id = "req-12345678"

    row = look(
        request=request,
        actor=clerk,
        object_id=7,
        customer_id=70,
        field_classes=["phone", "person_name"],
        row_count=3,
        reason="Asked at the counter",
    )

    assert (row.at, row.staff, row.org, row.role_codes) == (
        NOON,
        clerk,
        clerk.org,
        ["agent", "clerk"],
    )
    assert (row.object_id, row.customer_id, row.row_count) == ("7", 70, 3)
    assert (row.field_classes, row.reason) == (["person_name", "phone"], "Asked at the counter")
    assert (row.ip, row.request_id) == ("10.1.2.3", "req-12345678")
    assert row.terminal_digest == hashlib.sha256(b"Lynx").hexdigest()[:32]
    assert row.result == AccessResult.OK


def test_it_is_one_insert(django_assert_num_queries):
    clerk = make_staff("clerk")
    with django_assert_num_queries(1):
        record_access(actor=clerk, action="VIEW", object_type="x", at=datetime.now(UTC))


def test_it_belongs_to_the_transaction_of_the_caller():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        look()
        raise ZeroDivisionError

    assert not AccessRecord.objects.exists()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_accessrecord SET reason = 'x'",
        "DELETE FROM audit_accessrecord",
        "SET crm.may_truncate = off; TRUNCATE audit_accessrecord",
        "SET crm.may_truncate = off; TRUNCATE audit_accessrecord_202611",
    ],
)
def test_what_is_written_stays(statement):
    look()

    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    assert AccessRecord.objects.count() == 1


def test_a_month_nobody_prepared_is_made_on_the_spot():
    far = datetime(2041, 2, 3, tzinfo=UTC)

    assert look(at=far).at == far


def test_unmasking_needs_a_reason():
    with pytest.raises(IntegrityError, match="access_unmasking_has_a_reason"), transaction.atomic():
        look(action=AccessAction.UNMASK)
    assert look(action=AccessAction.UNMASK, reason="Ticket 12").reason == "Ticket 12"


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="GLANCE"):
        look(action="GLANCE")
    with pytest.raises(ValueError, match="shoe_size"):
        look(field_classes=["shoe_size"])


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "address"),
    [
        ([], "203.0.113.9", "10.9.9.9", "203.0.113.9"),
        (["10.0.0.0/8"], "203.0.113.9", "198.51.100.1", "203.0.113.9"),
        (["10.0.0.0/8"], "10.0.0.1", "198.51.100.1", "198.51.100.1"),
        (["10.0.0.0/8"], "10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        (["10.0.0.0/8"], "10.0.0.1", "nonsense", "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "", "10.0.0.1"),
        ([], "", "198.51.100.1", None),
    ],
)
def test_only_trusted_proxies_are_believed(trusted, peer, forwarded, address):
    request = RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded)

    with override_settings(TRUSTED_PROXIES=trusted):
        assert look(request=request).ip == address


def test_log_ins_are_recorded(client):
    clerk = make_staff("clerk", password="long enough a word")

    assert client.login(
        request=RequestFactory().post("/login/"),
        username=clerk.staff_code,
        password="long enough a word",
    )

    row = AccessRecord.objects.get()
    assert (row.action, row.result, row.staff, row.object_id) == (
        AccessAction.LOGIN,
        AccessResult.OK,
        clerk,
        clerk.staff_code,
    )


@pytest.mark.parametrize("known", [True, False])
def test_failed_log_ins_are_recorded_without_what_was_typed(client, known):
    tried = make_staff("clerk", password="right").staff_code if known else "MyPassword!"

    assert not client.login(
        request=RequestFactory().post("/login/"), username=tried, password="wrong"
    )

    row = AccessRecord.objects.get()
    assert (row.action, row.result) == (AccessAction.LOGIN, AccessResult.REFUSED)
    assert (row.object_id == tried) is known
    assert "MyPassword!" not in row.object_id
