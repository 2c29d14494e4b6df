"""What the tests of the feeds' doors share."""

from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from crm.platform.feeds.models import Batch
from crm.platform.jobs.models import Job
from crm.platform.jobs.tasks import run

CUSTOMERS = ("customer_number,name,phone,opened_on\nD1,张三丰,13912345678,2024-01-01\n").encode()
MIXED = CUSTOMERS + "D2,李四,13912345679,2024-13-01\nD3,,13912345670,soon\n".encode()


class Unread:
    """A body that notes whether anybody reads it."""

    reads = 0

    def read(self, *_size: int) -> bytes:
        self.reads += 1
        return b""

    readline = read

    def close(self) -> None:
        """Nothing is open."""


def upload(client: Client, content: bytes, **given: Any) -> Any:
    """Send a file by the form; return the answer."""
    name = given.pop("name", "customers.csv")
    form = {"feed": "customers", "mapping": "", "file": SimpleUploadedFile(name, content)}
    return client.post("/feeds/new/", form | given)


def received(client: Client, content: bytes, **given: Any) -> Batch:
    """Send a file by the form; return the batch it became."""
    answer = upload(client, content, **given)
    assert answer.status_code == 302, answer.content.decode()
    return Batch.objects.latest("pk")


def work(batch: Batch) -> Batch:
    """Do the batch's job as a worker would."""
    batch.refresh_from_db()
    job = Job.objects.get(pk=batch.job_id)
    run(job_id=str(job.pk), attempt=job.attempt)
    batch.refresh_from_db()
    return batch


def kept_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
