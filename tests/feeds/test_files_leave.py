"""Uploaded files are kept while somebody may need them, and no longer."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from crm.platform.feeds.models import Batch
from crm.platform.feeds.services import receive
from crm.platform.feeds.tasks import forget_files_before
from crm.platform.feeds.uploads import uploads_folder
from tests.feeds.files import imported, written

pytestmark = pytest.mark.django_db
HEADER = "customer_number,name"


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.FEED_KEEP_DAYS = 30


@pytest.fixture
def upload() -> Path:
    path = uploads_folder() / "0123" / "customers.csv"
    path.parent.mkdir(parents=True)
    return written(path, HEADER, "C1,张伟")


def days_later(days: float):
    return timezone.now() + timedelta(days=days)


def test_a_file_stays_for_as_long_as_agreed_after_its_last_batch(upload):
    imported("customers", upload)
    imported("customers", upload)
    Batch.objects.update(finished_at=timezone.now())
    first = Batch.objects.earliest("id")
    Batch.objects.filter(pk=first.pk).update(finished_at=timezone.now() - timedelta(days=20))

    assert forget_files_before(now=days_later(29)) == 0
    assert upload.is_file()
    assert forget_files_before(now=days_later(31)) == 1
    assert not upload.parent.exists()


def test_a_file_of_a_batch_that_has_not_ended_stays(upload):
    receive(feed="customers", path=upload, actor=None, at=timezone.now())

    assert forget_files_before(now=days_later(400)) == 0
    assert upload.is_file()


def test_a_file_that_no_batch_was_made_of_goes_after_a_day(upload):
    assert forget_files_before(now=days_later(0.9)) == 0
    assert forget_files_before(now=days_later(1.1)) == 1


def test_a_file_that_lies_elsewhere_is_not_ours_to_delete(tmp_path):
    path = written(tmp_path / "mine.csv", HEADER, "C1,张伟")
    imported("customers", path)
    os.utime(path, (0, 0))

    assert forget_files_before(now=days_later(400)) == 0
    assert path.is_file()
