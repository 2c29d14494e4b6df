"""Exports of lists: what is in the file, who gets it, and what is written down."""

import csv
import io
import stat
from datetime import timedelta

import pytest
from django.utils import timezone

from crm.platform.audit.models import AccessRecord
from crm.platform.jobs.models import Job, JobStatus
from crm.platform.jobs.tasks import run
from customers.models import ListExport
from customers.services import exports
from tests.factories import make_account, make_customer, make_staff, make_subscriber

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path / "exports"


@pytest.fixture
def manager(client, province):
    staff = make_staff("manager", org=province["p"], language="en")
    client.force_login(staff)
    return staff


def exported(client, kind="customers", query="") -> ListExport:
    answer = client.post(f"/lists/{kind}/export/?{query}", {"reason": "monthly report"})
    assert answer.status_code == 302, answer.content.decode()
    export = ListExport.objects.get(pk=answer["Location"].split("/")[-2])
    run(job_id=str(export.job_id), attempt=0)
    assert Job.objects.get(pk=export.job_id).status == JobStatus.SUCCEEDED
    export.refresh_from_db()
    return export


def rows_in(answer):
    content = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(content, newline="")))


def test_all_that_match_are_in_the_file_masked_and_nobody_else(client, manager, province):
    own = make_customer(home_org=province["a"], name="王小明", category="VIP")
    firm = make_customer(home_org=province["a"], name="大山公司", kind="ORGANISATION",
                         category="VIP")  # fmt: skip
    make_customer(home_org=province["a"])
    make_customer(home_org=make_staff().org, category="VIP")

    export = exported(client, query="category=VIP&cols=number,name,category&sort=number")
    answer = client.get(f"/lists/exports/{export.pk}/file/")

    assert rows_in(answer) == [
        ["Customer number", "Name", "Category"],
        [own.number, "王*明", "VIP"],
        [firm.number, "大山公司", "VIP"],
    ]
    assert answer["Content-Disposition"].startswith("attachment")
    assert "no-store" in answer["Cache-Control"]
    assert export.rows == 2


def test_phones_are_masked_and_money_is_in_yuan(client, manager, province):
    customer = make_customer(home_org=province["a"])
    make_subscriber(customer=customer, service_number="13812345678", monthly_fee_fen=12900)
    make_account(customer=customer, balance_fen=-3820)

    lines = exported(client, "subscribers", "cols=phone,fee")
    accounts = exported(client, "accounts", "cols=balance")

    assert rows_in(client.get(f"/lists/exports/{lines.pk}/file/"))[1] == ["138****5678", "129.00"]
    assert rows_in(client.get(f"/lists/exports/{accounts.pk}/file/"))[1] == ["-38.20"]


@pytest.mark.parametrize(
    "name", ["=1+1", "+1", "-cmd", "@SUM(A1)", "\t=1", "\r=1", " =1", "'=1", '"=1'],
)  # fmt: skip
def test_no_cell_is_a_formula(client, manager, province, name):
    make_customer(home_org=province["a"], name=name, kind="ORGANISATION")

    export = exported(client, query="cols=name")

    (cell,) = rows_in(client.get(f"/lists/exports/{export.pk}/file/"))[1]
    assert cell == f"'{name}"


def test_the_export_and_each_fetching_are_written_down_with_the_count(client, manager, province):
    for _ in range(3):
        make_customer(home_org=province["a"])

    export = exported(client)
    client.get(f"/lists/exports/{export.pk}/file/").close()

    records = AccessRecord.objects.filter(action="EXPORT").order_by("at")
    assert [(r.row_count, r.staff, r.object_id, r.reason) for r in records] == [
        (3, manager, str(export.pk), "monthly report")
    ] * 2
    assert records[0].field_classes == ["person_name"]


def test_nobody_else_gets_the_file(client, manager, province, files):
    export = exported(client)
    client.force_login(make_staff("manager", org=province["p"]))

    assert client.get(f"/lists/exports/{export.pk}/").status_code == 404
    assert client.get(f"/lists/exports/{export.pk}/file/").status_code == 404
    (path,) = files.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("role", ["clerk", "agent", "hallmanager", "teamlead", "dispatcher",
                                  "marketer", "analyst", "admin"])  # fmt: skip
def test_other_roles_export_nothing(client, province, role):
    client.force_login(make_staff(role, org=province["a_hall"]))

    answer = client.post("/lists/customers/export/", {"reason": "curiosity"})

    assert answer.status_code == 403
    assert not ListExport.objects.exists()


def test_an_account_manager_exports_their_own_customers(client, province):
    staff = make_staff("accountmanager", org=province["a"])
    client.force_login(staff)
    own = make_customer(home_org=province["a"], manager=staff)
    make_customer(home_org=province["a"])

    export = exported(client, query="cols=number")

    assert rows_in(client.get(f"/lists/exports/{export.pk}/file/"))[1:] == [[own.number]]


def test_who_lost_the_right_gets_no_file_any_more(client, manager, province):
    export = exported(client)
    manager.groups.clear()

    assert client.get(f"/lists/exports/{export.pk}/file/").status_code == 403


def test_a_file_expires_and_is_deleted(client, manager, province, files):
    export, fresh = exported(client), exported(client)
    now = timezone.now()
    ListExport.objects.filter(pk=export.pk).update(expires_at=now - timedelta(seconds=1))
    (files / "left-by-a-dead-worker.123.part").touch()

    answer = client.get(f"/lists/exports/{export.pk}/file/")
    exports.forget_exports(at=now)

    assert answer.status_code == 409 and b"has expired" in answer.content
    assert [path.name for path in files.iterdir()] == [f"{fresh.pk}.csv"]


@pytest.mark.parametrize("reason", ["", "  ", "abc"])
def test_an_export_needs_a_reason(client, manager, reason):
    answer = client.post("/lists/customers/export/", {"reason": reason})

    assert answer.status_code == 409 and b"at least four letters" in answer.content
    assert not ListExport.objects.exists()


def test_a_file_that_failed_half_way_is_not_left(client, manager, province, files, monkeypatch):
    make_customer(home_org=province["a"])
    monkeypatch.setattr(exports, "_line", lambda *_: 1 / 0)
    answer = client.post("/lists/customers/export/", {"reason": "monthly report"})
    export = ListExport.objects.get(pk=answer["Location"].split("/")[-2])

    run(job_id=str(export.job_id), attempt=0)

    assert Job.objects.get(pk=export.job_id).status == JobStatus.FAILED
    assert list(files.iterdir()) == []
    assert not AccessRecord.objects.filter(action="EXPORT").exists()
    assert client.get(f"/lists/exports/{export.pk}/file/").status_code == 409
