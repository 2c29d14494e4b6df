"""A change bears who made it and what it was part of, by whatever door it came."""

import pytest
from django.db import connection
from django.test import Client

from crm.platform.feeds.undo import undo_batch
from tests.factories import make_staff
from tests.feeds.files import NOON, imported, written

pytestmark = pytest.mark.django_db
HEADER = "customer_number,name"


def makers(table: str) -> list[tuple[int | None, str | None]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT recorded_by, recorded_via FROM {table}")
        return cursor.fetchall()


def test_what_a_batch_wrote_names_the_batch_and_who_sent_it(tmp_path):
    sender = make_staff("analyst")
    path = written(tmp_path / "c.csv", HEADER, "C1,张伟")

    batch = imported("customers", path, actor=sender)

    assert makers("customers_customer") == [(sender.pk, f"batch {batch.number}")]


def test_what_an_undo_took_away_names_the_undo(tmp_path):
    batch = imported("customers", written(tmp_path / "c.csv", HEADER, "C1,张伟"))
    boss = make_staff("manager")

    undo_batch(batch_id=batch.pk, actor=boss, at=NOON)

    with connection.cursor() as cursor:
        cursor.execute("SELECT ended_by, ended_via, is_removal FROM customers_customer_history")
        assert cursor.fetchall() == [(boss.pk, f"undo of batch {batch.number}", True)]


def test_after_a_request_nobody_is_named(settings):
    client = Client()
    client.force_login(make_staff("clerk"))

    client.post("/logout/")

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('crm.actor'), current_setting('crm.via')")
        assert cursor.fetchone() == ("", "")
