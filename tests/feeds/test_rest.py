"""`/api/v1/feeds/<feed>/batches`: systems send files and ask what became of them."""

import base64
import gzip
import io
import json

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import translation
from rest_framework.test import APIClient

from crm.platform.api.services import register_system_client
from crm.platform.audit.models import AccessAction, AccessRecord
from crm.platform.feeds.models import Batch, BatchStatus
from crm.platform.jobs.models import Job
from customers.models import Customer
from tests.factories import make_staff
from tests.feeds.doors import CUSTOMERS, MIXED, Unread, kept_files, work
from tests.feeds.files import IBM_SAMPLE, counts

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/v1/feeds/customers/batches"
SECRET = "a-long-enough-secret"


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path):
    cache.clear()  # which counts the tokens asked for
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.LANGUAGE_CODE = "en"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with translation.override("en"):
        yield


def system(name: str = "billing", *scopes: str) -> APIClient:
    """A system with a token of its own, that speaks English."""
    client = register_system_client(
        name=name,
        client_id=name,
        client_secret=SECRET,
        scopes=scopes or ["feeds:read", "feeds:write"],
        permissions=["feeds.view_batch", "feeds.add_batch"],
    )
    client.account.language = "en"
    client.account.save()
    basic = base64.b64encode(f"{name}:{SECRET}".encode()).decode()
    answer = APIClient().post(
        "/oauth/token/",
        "grant_type=client_credentials",
        content_type="application/x-www-form-urlencoded",
        headers={"Authorization": f"Basic {basic}"},
    )
    bearer = f"Bearer {answer.json()['access_token']}"
    return APIClient(headers={"Authorization": bearer, "Accept-Language": "en"})


@pytest.fixture
def billing() -> APIClient:
    return system()


def send(client: APIClient, body: bytes = CUSTOMERS, *, url: str = URL, key: str = "", **extra):
    headers = {"Idempotency-Key": key} if key else {}
    kind = extra.pop("content_type", "text/csv")
    return client.post(url, body, content_type=kind, headers=headers | extra)


def batch_of(answer) -> Batch:
    assert answer.status_code == 202, answer.content
    return Batch.objects.get(number=answer.json()["number"])


def is_error(answer, status: int) -> dict[str, str]:
    body = json.loads(answer.content)
    assert answer.status_code == status, body
    assert body.keys() == {"code", "reason", "message", "status", "details"}
    assert body["status"] == str(status)
    return body


class TestSending:
    def test_a_body_is_taken_in_and_applied_by_a_job(self, billing, tmp_path):
        answer = send(billing)

        assert answer.headers["Location"] == f"{URL}/{answer.json()['number']}"
        assert answer.json()["status"] == "RECEIVED"
        assert answer.json()["progress"]["status"] == "QUEUED"
        (kept,) = kept_files(tmp_path / "media")
        assert kept.read_bytes() == CUSTOMERS
        work(batch_of(answer))
        told = billing.get(answer.headers["Location"]).json()
        assert (told["status"], told["rows"], told["created"]) == ("APPLIED", 1, 1)
        assert told["progress"]["status"] == "SUCCEEDED"

    def test_a_gzip_body(self, billing):
        answer = send(billing, gzip.compress(CUSTOMERS), content_type="application/gzip")

        assert counts(work(batch_of(answer))) == (1, 1, 0, 0, 0)

    def test_a_form_with_a_mapping_by_name(self, billing):
        file = SimpleUploadedFile("ibm.csv", IBM_SAMPLE.read_bytes())

        answer = billing.post(URL, {"file": file, "mapping": "ibm_telco"}, format="multipart")

        batch = work(batch_of(answer))
        assert (batch.status, batch.source, batch.file_name) == (
            BatchStatus.APPLIED,
            "ibm_telco",
            "ibm.csv",
        )

    def test_a_form_with_the_text_of_a_mapping_as_a_dry_run(self, billing):
        text = 'source = "crm1"\n[columns]\ncustomer_number = "customer_number"\n'
        form = {"file": SimpleUploadedFile("a.csv", CUSTOMERS), "mapping": text, "dry_run": "true"}

        batch = work(batch_of(billing.post(URL, form, format="multipart")))

        assert (batch.status, batch.source) == (BatchStatus.CHECKED, "crm1")
        assert not Customer.objects.exists()

    def test_a_body_with_its_options_in_the_query(self, billing):
        strict = work(batch_of(send(billing, MIXED, url=f"{URL}?error_percent=10")))
        tried = work(batch_of(send(billing, MIXED, url=f"{URL}?dry_run=true")))

        assert (strict.status, tried.status) == (BatchStatus.REFUSED, BatchStatus.CHECKED)
        assert "10" in billing.get(f"{URL}/{strict.number}").json()["error"]
        assert not Customer.objects.exists()

    def test_the_same_key_and_file_answers_the_same_and_takes_one_in(self, billing, tmp_path):
        first = send(billing, key="k1")
        again = send(billing, key="k1")

        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.headers["Location"] == first.headers["Location"]
        assert again.json() == first.json()
        assert Batch.objects.count() == Job.objects.count() == 1
        assert len(kept_files(tmp_path / "media")) == 1

    def test_the_same_key_with_another_file_is_refused(self, billing):
        send(billing, key="k1")

        assert is_error(send(billing, MIXED, key="k1"), 422)["code"] == "idempotency_key_reused"
        assert Batch.objects.count() == 1


class TestBadInput:
    def test_an_unknown_feed(self, billing):
        for answer in (send(billing, url=URL.replace("customers", "nonsense")),):
            error = is_error(answer, 404)
        assert error["code"] == "feed_unknown" and "customers" in error["message"]
        is_error(billing.get(URL.replace("customers", "nonsense")), 404)

    def test_a_mapping_nobody_has(self, billing):
        error = is_error(send(billing, url=f"{URL}?mapping=nobody"), 400)

        assert error["details"][0]["field"] == "mapping"
        assert "ibm_telco" in error["message"] and not Batch.objects.exists()

    def test_a_wrong_mapping_names_line_and_key_and_keeps_nothing(self, billing, tmp_path):
        form = {
            "file": SimpleUploadedFile("a.csv", CUSTOMERS),
            "mapping": 'source = "x"\n[columns]\nnumber = "customer_number"\n',
        }

        error = is_error(billing.post(URL, form, format="multipart"), 409)

        assert error["code"] == "mapping_invalid" and "line 3, columns.number" in error["reason"]
        assert not Batch.objects.exists() and kept_files(tmp_path / "media") == []

    def test_a_form_without_a_file(self, billing):
        error = is_error(billing.post(URL, {"mapping": ""}, format="multipart"), 400)

        assert error["details"][0]["field"] == "file"

    def test_a_body_of_nothing(self, billing):
        assert is_error(send(billing, b""), 400)["details"][0]["field"] == "file"

    def test_two_files_at_once(self, billing, tmp_path):
        files = [SimpleUploadedFile("a.csv", CUSTOMERS), SimpleUploadedFile("b.csv", CUSTOMERS)]

        error = is_error(billing.post(URL, {"file": files}, format="multipart"), 400)

        assert error["details"][0]["field"] == "file" and "one file" in error["message"]
        assert not Batch.objects.exists() and kept_files(tmp_path / "media") == []

    def test_a_body_without_a_length(self, billing):
        chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": None}

        answer = billing.generic("POST", URL, CUSTOMERS, content_type="text/csv", **chunked)

        assert "Content-Length" in is_error(answer, 411)["reason"]

    def test_a_token_nobody_has_sends_nothing_to_disk(self, tmp_path):
        body = Unread()
        client = APIClient(headers={"Authorization": "Bearer wrong"})
        sent = {"wsgi.input": body, "CONTENT_LENGTH": "5000"}

        is_error(client.generic("POST", URL, content_type="text/csv", **sent), 401)

        assert body.reads == 0 and kept_files(tmp_path) == []

    def test_json_is_no_file(self, billing):
        is_error(billing.post(URL, {"rows": []}, format="json"), 415)

    def test_too_long_a_body_is_refused_by_its_length(self, billing, settings, tmp_path):
        settings.FEED_UPLOAD_LIMIT = 100

        error = is_error(send(billing, CUSTOMERS * 20_000), 413)

        assert error["code"] == "too_large" and kept_files(tmp_path / "media") == []
        is_error(send(billing, CUSTOMERS * 2), 413)

    def test_a_body_that_ends_early(self, billing, tmp_path):
        half = {"wsgi.input": io.BytesIO(CUSTOMERS), "CONTENT_LENGTH": "5000"}
        answer = billing.generic("POST", URL, content_type="text/csv", **half)

        is_error(answer, 400)
        assert not Batch.objects.exists() and kept_files(tmp_path / "media") == []

    @pytest.mark.parametrize(
        ("body", "says"),
        [
            (b"\n", "is empty"),
            (b"name\nA\n", "customer_number"),
            (gzip.compress(CUSTOMERS * 99)[:-9], "gzip"),
        ],
    )
    def test_a_file_that_cannot_be_taken_says_why(self, billing, body, says):
        batch = work(batch_of(send(billing, body)))

        told = billing.get(f"{URL}/{batch.number}").json()
        assert told["status"] == "REFUSED" and says in told["error"]
        assert told["progress"]["status"] == "FAILED"


class TestWho:
    def test_nobody_without_a_token(self):
        is_error(send(APIClient()), 401)
        is_error(APIClient().get(URL), 401)

    def test_a_token_to_read_does_not_write(self):
        reader = system("reader", "feeds:read")

        is_error(send(reader), 403)
        assert reader.get(URL).status_code == 200

    def test_another_system_finds_no_batch_of_ours(self, billing):
        number = send(billing).json()["number"]
        other = system("other")

        assert other.get(URL).json()["items"] == []
        is_error(other.get(f"{URL}/{number}"), 404)
        is_error(other.get(f"{URL}/{number}/rejects"), 404)

    def test_a_batch_is_found_under_its_own_feed_only(self, billing):
        number = send(billing).json()["number"]

        is_error(billing.get(f"/api/v1/feeds/bills/batches/{number}"), 404)

    def test_staff_by_permission(self, billing):
        number = send(billing).json()["number"]
        manager, clerk = APIClient(), APIClient()
        manager.force_authenticate(make_staff("manager"))
        clerk.force_authenticate(make_staff("clerk"))

        assert manager.get(f"{URL}/{number}").status_code == 200
        is_error(send(manager), 403)
        is_error(clerk.get(URL), 403)


class TestReading:
    def test_the_list_is_newest_first_and_goes_on(self, billing):
        sent = [send(billing).json()["number"] for _ in range(3)]

        first = billing.get(f"{URL}?limit=2").json()
        second = billing.get(first["next"]).json()

        assert [b["number"] for b in first["items"]] == sent[:0:-1]
        assert [b["number"] for b in second["items"]] == sent[:1] and second["next"] is None

    def test_rejects_as_json_are_masked_and_recorded(self, billing):
        batch = work(batch_of(send(billing, MIXED)))

        first = billing.get(f"{URL}/{batch.number}/rejects?limit=1").json()
        second = billing.get(first["next"]).json()

        (reject,) = first["items"]
        assert (reject["row_number"], reject["code"]) == (3, "not_a_date")
        assert reject["cells"]["phone"] == "139****5679"
        assert [r["row_number"] for r in second["items"]] == [4]
        assert AccessRecord.objects.filter(action=AccessAction.SYSTEM).count() == 2

    def test_rejects_as_csv_are_whole_and_an_export(self, billing):
        batch = work(batch_of(send(billing, MIXED)))

        answer = billing.get(f"{URL}/{batch.number}/rejects?format=csv")

        assert answer.headers["Content-Type"].startswith("text/csv")
        assert "13912345679" in b"".join(answer.streaming_content).decode()
        export = AccessRecord.objects.get(action=AccessAction.EXPORT)
        assert (export.staff.staff_code, export.row_count) == ("sys-billing", 2)

    def test_rejects_as_csv_are_not_for_who_may_only_look(self, billing):
        batch = work(batch_of(send(billing, MIXED)))
        manager = APIClient()
        manager.force_authenticate(make_staff("manager"))

        error = is_error(manager.get(f"{URL}/{batch.number}/rejects?format=csv"), 403)

        assert error["code"] == "permission_denied"
        assert not AccessRecord.objects.filter(action=AccessAction.EXPORT).exists()

    def test_the_schema_describes_all_four_doors(self, settings):
        settings.EMBEDDED = True

        schema = APIClient().get("/api/schema/?format=json").json()

        sending = schema["paths"][f"{URL.replace('customers', '{feed}')}"]["post"]
        assert sending["requestBody"]["content"].keys() == {
            "multipart/form-data",
            "text/csv",
            "application/gzip",
        }
        assert "202" in sending["responses"] and "413" in sending["responses"]
        assert len([p for p in schema["paths"] if p.startswith("/api/v1/feeds/")]) == 3
