"""Data intake as pages: every door for who may, and shut for who may not."""

import gzip
import re

import pytest
from django.test import Client
from django.utils import translation

from crm.platform.audit.models import AccessAction, AccessRecord
from crm.platform.feeds import intake
from crm.platform.feeds.engine import run_batch
from crm.platform.feeds.models import Batch, BatchStatus
from crm.platform.jobs.models import Job, JobStatus
from customers.models import Customer
from tests.factories import make_staff
from tests.feeds.doors import CUSTOMERS, MIXED, Unread, kept_files, received, upload, work
from tests.feeds.files import IBM_SAMPLE, NOON, counts, imported, written

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.LANGUAGE_CODE = "en"
    with translation.override("en"):
        yield


def logged_in(role: str, code: str = "") -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(make_staff(role, staff_code=code or f"{role}-1", language="en"))
    client.cookies["crm-language"] = "en"
    return client


@pytest.fixture
def analyst():
    return logged_in("analyst")


@pytest.fixture
def dispatcher():
    return logged_in("dispatcher")


def page(client: Client, batch: Batch) -> str:
    response = client.get(f"/feeds/{batch.number}/")
    assert response.status_code == 200
    return response.content.decode()


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def press(client: Client, batch: Batch, what: str, **form: str):
    return client.post(f"/feeds/{batch.number}/{what}/", form)


def applied(client: Client, content: bytes, **given) -> Batch:
    batch = received(client, content, **given)
    press(client, batch, "run", dry_run="no")
    return work(batch)


class TestWhoMay:
    @pytest.mark.parametrize("role", ["analyst", "dispatcher", "admin", "auditor", "manager"])
    def test_see_the_history(self, role):
        assert logged_in(role).get("/feeds/").status_code == 200

    @pytest.mark.parametrize("role", ["clerk", "agent", "accountmanager", "marketer"])
    def test_not_even_look(self, role, tmp_path):
        batch = imported("customers", written(tmp_path / "a.csv", "customer_number", "X1"))
        client = logged_in(role)

        for url in ("/feeds/", f"/feeds/{batch.number}/", f"/feeds/{batch.number}/rejects.csv"):
            assert client.get(url).status_code == 403

    @pytest.mark.parametrize("role", ["auditor", "manager"])
    def test_look_but_not_upload(self, role, analyst):
        batch = received(analyst, CUSTOMERS)
        client = logged_in(role)

        assert upload(client, CUSTOMERS).status_code == 403
        for what in ("run", "mapping", "stop", "again", "undo"):
            assert press(client, batch, what).status_code == 403
        assert Batch.objects.count() == 1 and not Job.objects.exists()

    def test_the_analyst_may_not_undo(self, analyst, dispatcher):
        batch = applied(analyst, CUSTOMERS)

        assert press(analyst, batch, "undo").status_code == 403
        assert analyst.get(f"/feeds/{batch.number}/undo/").status_code == 403
        assert dispatcher.get(f"/feeds/{batch.number}/undo/").status_code == 200

    def test_nobody_who_is_not_logged_in(self):
        assert Client().get("/feeds/").status_code == 302
        assert upload(Client(), CUSTOMERS).status_code == 302
        assert not Batch.objects.exists()

    def test_not_without_the_forms_token(self, analyst):
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = analyst.cookies

        assert upload(strict, CUSTOMERS).status_code == 403
        assert not Batch.objects.exists()

    def test_a_number_nobody_has_is_not_found(self, dispatcher):
        assert dispatcher.get("/feeds/20260101-999/").status_code == 404


class TestUploading:
    def test_shows_what_would_become_of_the_file_and_masks_who_is_in_it(self, analyst):
        batch = received(analyst, CUSTOMERS)

        shown = text(page(analyst, batch))

        assert "139****5678" in shown and "张*丰" in shown
        assert "13912345678" not in shown and "张三丰" not in shown
        assert batch.status == BatchStatus.RECEIVED and not Customer.objects.exists()
        looked = AccessRecord.objects.get(action=AccessAction.VIEW, object_id=batch.number)
        assert looked.row_count == 1 and "phone" in looked.field_classes

    def test_says_what_becomes_a_characteristic(self, analyst):
        batch = received(analyst, IBM_SAMPLE.read_bytes(), mapping="ibm_telco")

        shown = text(page(analyst, batch))

        assert re.search(r"customerID customer_number account_number", shown)
        assert re.search(r"Contract characteristic \S+\.contract TEXT", shown)
        assert "the same for every row" in shown

    def test_covers_what_nothing_reads(self, analyst):
        content = b"customer_number,opened_on,remark\nD1,2024-01-01,call Mr Smith\n"
        batch = received(analyst, content)

        shown = text(page(analyst, batch))

        assert "c***" in shown and "Smith" not in shown

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"", "is empty"),
            (b"name,opened_on\nA,2024-01-01\n", "lacks the columns customer_number"),
            (CUSTOMERS.decode().encode("utf-16"), "UTF-16"),
            (gzip.compress(CUSTOMERS * 200)[:-20], "damaged or truncated gzip"),
            (b"%PDF-1.7", "PDF"),
            (b"customer_number,name,\xff\nC1,a,b\n", "column 3 is no text"),
        ],
    )
    def test_says_on_the_page_what_is_wrong_with_a_file(self, analyst, content, says):
        batch = received(analyst, content)

        shown = page(analyst, batch)

        assert says in text(shown)
        assert "Dry run" not in text(shown)

    def test_says_the_line_and_the_key_of_a_wrong_mapping_and_lets_it_be_corrected(self, analyst):
        wrong = 'feed = "customers"\n[columns]\ncustomer_nmber = "customer_number"\n'
        batch = received(analyst, CUSTOMERS, mapping="~own", mapping_text=wrong)
        assert "line 3, columns.customer_nmber" in text(page(analyst, batch))
        press(analyst, batch, "run", dry_run="no")
        assert not Job.objects.exists()

        right = wrong.replace("nmber", "number")
        press(analyst, batch, "mapping", mapping="~own", mapping_text=right)

        assert "Dry run" in text(page(analyst, batch))

    def test_of_too_much_is_refused_before_it_is_read(self, analyst, settings):
        settings.FEED_UPLOAD_LIMIT = 1 << 20
        body = Unread()

        response = analyst.generic(
            "POST",
            "/feeds/new/",
            content_type="multipart/form-data; boundary=x",
            CONTENT_LENGTH=str(3 << 20),
            **{"wsgi.input": body},
        )

        assert response.status_code == 413
        assert "larger than 1 MB" in text(response.content.decode())
        assert body.reads == 0

    def test_of_a_little_too_much_is_refused_and_not_kept(self, analyst, settings, tmp_path):
        settings.FEED_UPLOAD_LIMIT = 1000

        response = upload(analyst, CUSTOMERS * 50)

        assert response.status_code == 413
        assert not Batch.objects.exists() and kept_files(tmp_path / "media") == []

    def test_keeps_one_file_that_only_the_program_can_read(self, analyst, tmp_path):
        received(analyst, CUSTOMERS, name="../../etc/客户 名单.csv")

        (kept,) = kept_files(tmp_path / "media")

        assert kept.name == "客户 名单.csv" and kept.read_bytes() == CUSTOMERS
        assert kept.stat().st_mode & 0o077 == 0

    def test_of_the_same_file_again_says_so(self, analyst):
        first = applied(analyst, CUSTOMERS)

        again = received(analyst, CUSTOMERS, name="other.csv")

        assert f"applied already, as batch {first.number}" in text(page(analyst, again))

    def test_with_a_mapping_pasted_but_not_chosen_means_it(self, analyst):
        own = 'source = "mine"\r\n[columns]\r\ncustomer_number = "customer_number"\r\n'

        batch = received(analyst, CUSTOMERS, mapping_text=own)

        assert batch.mapping_text == own.replace("\r", "")

    def test_says_when_the_mapping_is_for_another_feed(self, analyst):
        batch = received(analyst, CUSTOMERS, feed="bills", mapping="ibm_telco")

        assert "the mapping is for customers" in text(page(analyst, batch))


class TestRunning:
    def test_a_dry_run_counts_and_applies_nothing_and_then_imports_the_same_file(self, analyst):
        dry = received(analyst, MIXED)
        press(analyst, dry, "run", dry_run="yes")
        work(dry)
        assert (dry.status, counts(dry)) == (BatchStatus.CHECKED, (3, 1, 0, 0, 2))
        assert not Customer.objects.exists()
        shown = text(page(analyst, dry))
        assert "3 rows = 1 created + 0 updated + 0 unchanged + 2 rejected" in shown
        assert "nothing was applied" in shown and "Import now" in shown

        press(analyst, dry, "again", run="import")
        batch = work(Batch.objects.latest("pk"))

        assert batch.pk != dry.pk and batch.sha256 == dry.sha256
        assert (batch.status, counts(batch)) == (BatchStatus.APPLIED, (3, 1, 0, 0, 2))
        assert Customer.objects.get().number == "D1"

    def test_its_page_shows_progress_and_reloads_when_it_has_ended(self, analyst):
        batch = received(analyst, CUSTOMERS)
        press(analyst, batch, "run", dry_run="no")
        assert 'http-equiv="refresh"' in page(analyst, batch)
        live = {"HX-Request": "true"}
        fragment = analyst.get(f"/feeds/{batch.number}/", headers=live)
        assert "<progress" in fragment.content.decode() and "<html" not in fragment.content.decode()

        work(batch)

        ended = analyst.get(f"/feeds/{batch.number}/", headers=live)
        assert ended.headers["HX-Refresh"] == "true"

    def test_pressing_twice_starts_one_job(self, analyst):
        batch = received(analyst, CUSTOMERS)
        press(analyst, batch, "run", dry_run="no")

        press(analyst, batch, "run", dry_run="no")

        assert Job.objects.count() == 1
        assert "is being worked on" in text(page(analyst, batch))

    def test_a_refused_file_says_why_and_can_be_tried_again(self, analyst):
        batch = received(analyst, b"customer_number,name,opened_on\n")
        press(analyst, batch, "run", dry_run="no")
        work(batch)
        assert batch.status == BatchStatus.REFUSED
        assert "has a header but no rows" in text(page(analyst, batch))

        press(analyst, batch, "again")

        assert Batch.objects.latest("pk").status == BatchStatus.RECEIVED

    def test_cancelled_while_it_waits_leaves_nothing(self, analyst):
        batch = received(analyst, CUSTOMERS)
        press(analyst, batch, "run", dry_run="no")

        press(analyst, batch, "stop")

        batch.refresh_from_db()
        assert batch.status == BatchStatus.CANCELLED
        assert Job.objects.get().status == JobStatus.CANCELLED
        assert "nothing of it stays" in text(page(analyst, batch))

    def test_cancelled_while_it_runs_asks_the_worker_to_stop(self, analyst):
        batch = received(analyst, CUSTOMERS)
        press(analyst, batch, "run", dry_run="no")
        Job.objects.update(status=JobStatus.RUNNING, started_at=NOON, heartbeat_at=NOON)

        press(analyst, batch, "stop")

        assert Job.objects.get().cancel_requested_at is not None
        assert "Asked to stop" in text(page(analyst, batch))

    def test_taken_back_after_its_worker_died_leaves_nothing(self, analyst, settings):
        batch = interrupted(analyst, settings)
        assert 0 < Customer.objects.count() < 10
        assert "The run was interrupted" in text(page(analyst, batch))

        press(analyst, batch, "stop")
        work(batch)

        assert batch.status == BatchStatus.CANCELLED and not Customer.objects.exists()

    def test_goes_on_after_its_worker_died(self, analyst, settings):
        batch = interrupted(analyst, settings)

        press(analyst, batch, "run")
        work(batch)

        assert (batch.status, counts(batch)) == (BatchStatus.APPLIED, (10, 10, 0, 0, 0))

    def test_a_stranger_may_not_cancel_but_who_undoes_may(self, analyst, dispatcher):
        batch = received(analyst, CUSTOMERS)
        press(analyst, batch, "run", dry_run="no")

        assert press(logged_in("analyst", "analyst-2"), batch, "stop").status_code == 403
        assert press(dispatcher, batch, "stop").status_code == 302

    def test_a_file_of_the_command_is_not_taken_again_from_the_page(self, analyst, tmp_path):
        batch = imported("customers", written(tmp_path / "a.csv", "customer_number", "X1"))

        response = press(analyst, batch, "again")

        assert response.status_code == 409
        assert "upload it again" in text(response.content.decode())


def interrupted(client: Client, settings) -> Batch:
    """A batch of ten rows whose worker died after some chunks of two."""
    settings.FEED_CHUNK_ROWS = 2
    rows = b"".join(b"D%d,2024-01-01\n" % n for n in range(10))
    batch = received(client, b"customer_number,opened_on\n" + rows)
    press(client, batch, "run", dry_run="no")

    def die_half_way(done: int, total: int | None, _message: str) -> None:
        if total == 10 and done >= 4:  # the total is known when rows are applied
            raise RuntimeError("gone")

    with pytest.raises(RuntimeError):
        run_batch(batch_id=batch.pk, progress=die_half_way, at=NOON)
    Job.objects.update(status=JobStatus.FAILED, error="lost", finished_at=NOON)
    return batch


class TestRejects:
    def test_are_grouped_by_reason_with_masked_first_rows(self, analyst):
        batch = applied(analyst, MIXED)

        shown = text(page(analyst, batch))

        assert "“opened_on” is no day of the calendar" in shown
        assert "Row 3" in shown and "Row 4" in shown
        assert "139****5679" in shown and "13912345679" not in shown and "李四" not in shown

    def test_are_downloaded_whole_by_who_sent_them_and_that_is_recorded(self, analyst):
        batch = applied(analyst, MIXED)

        response = analyst.get(f"/feeds/{batch.number}/rejects.csv")

        lines = b"".join(response.streaming_content).decode("utf-8-sig").splitlines()
        assert len(lines) == 3 and "13912345679" in lines[1] and "李四" in lines[1]
        export = AccessRecord.objects.get(action=AccessAction.EXPORT)
        assert (export.object_id, export.row_count) == (batch.number, 2)
        assert export.staff.staff_code == "analyst-1"

    def test_are_not_for_other_eyes_but_the_dispatchers(self, analyst, dispatcher):
        batch = applied(analyst, MIXED)
        url = f"/feeds/{batch.number}/rejects.csv"

        for role in ("auditor", "manager", "admin"):
            assert logged_in(role).get(url).status_code == 403
        assert logged_in("analyst", "analyst-2").get(url).status_code == 403
        assert dispatcher.get(url).status_code == 200

    def test_corrected_and_sent_again_are_applied(self, analyst):
        batch = applied(analyst, MIXED)
        body = b"".join(analyst.get(f"/feeds/{batch.number}/rejects.csv").streaming_content)
        corrected = body.replace(b"2024-13-01", b"2024-12-01").replace(b"soon", b"2025-01-01")

        fixed = applied(analyst, corrected, name="rejects.csv")

        assert counts(fixed) == (2, 2, 0, 0, 0)


class TestUndoing:
    def test_says_what_it_would_do_and_does_it_as_a_job(self, analyst, dispatcher):
        batch = applied(analyst, CUSTOMERS)
        asked = text(dispatcher.get(f"/feeds/{batch.number}/undo/").content.decode())
        assert "What its 1 created rows brought is removed" in asked
        assert Customer.objects.exists()

        press(dispatcher, batch, "undo")
        work(batch)

        assert batch.status == BatchStatus.UNDONE and not Customer.objects.exists()
        assert batch.undone_by.staff_code == "dispatcher-1"
        assert "Undone: 1 removed" in text(page(analyst, batch))

    def test_of_a_dry_run_is_refused(self, analyst, dispatcher):
        batch = received(analyst, CUSTOMERS)
        press(analyst, batch, "run", dry_run="yes")
        work(batch)

        press(dispatcher, batch, "undo")

        assert "cannot be done" in text(page(dispatcher, batch))


class TestHistory:
    def test_goes_older_and_newer_and_asks_the_same_few_questions(
        self, analyst, tmp_path, django_assert_max_num_queries
    ):
        staff = make_staff("analyst")
        path = written(tmp_path / "a.csv", "customer_number", "X1")
        for _ in range(30):
            intake.receive(feed="customers", path=path, actor=staff, at=NOON)
        analyst.get("/feeds/")

        with django_assert_max_num_queries(6):
            first = analyst.get("/feeds/").content.decode()

        assert first.count('scope="row"') == 25
        older = re.search(r'rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")
        second = analyst.get(f"/feeds/{older}").content.decode()
        assert second.count('scope="row"') == 5 and 'rel="prev"' in second

    def test_is_empty_with_a_sentence(self, analyst):
        assert "Nothing has come in yet" in analyst.get("/feeds/").content.decode()

    def test_refuses_a_cursor_that_is_not_ours(self, analyst):
        assert analyst.get("/feeds/?cursor=abc").status_code == 400
