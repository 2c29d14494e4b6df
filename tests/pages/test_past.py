"""The customer's page at a past moment, and what changed between two."""

import re
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from crm.platform.access.models import Staff
from crm.platform.audit.models import AccessRecord
from crm.platform.history.attribution import attributed
from customers.models import ContactMedium, Customer, Party, Subscriber
from tests.factories import make_account, make_customer, make_staff, make_subscriber

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk(province, client, partitions) -> Staff:
    staff = make_staff("clerk", org=province["a_hall"], language="en")
    client.force_login(staff)
    return staff


@pytest.fixture
def wang(province) -> Customer:
    customer = make_customer(home_org=province["a_hall"], name="王小明")
    make_subscriber(
        customer=customer, account=make_account(customer=customer), plan_name="Old plan"
    )
    return customer


def clock() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    return now


def look(client, customer: Customer, part: str = "", **query) -> tuple[int, str]:
    answer = client.get(f"/customers/{customer.number}/{part}", query)
    return answer.status_code, answer.content.decode()


def test_the_page_shows_what_was_and_says_of_when(client, clerk, wang):
    then = clock()
    Subscriber.objects.filter(customer=wang).update(plan_name="New plan")

    _, now_page = look(client, wang)
    status, then_page = look(client, wang, as_of=then.isoformat())

    assert "New plan" in now_page and "Old plan" not in now_page
    assert status == 200
    assert "Old plan" in then_page and "New plan" not in then_page
    assert "As it was recorded on" in then_page and "As it was recorded on" not in now_page


def test_the_past_offers_nothing_that_shows_the_present(client, clerk, wang):
    _, page = look(client, wang, as_of=clock().isoformat())

    assert "/show/" not in page


def test_a_look_at_the_past_is_a_look(client, clerk, wang):
    look(client, wang, as_of=clock().isoformat())

    record = AccessRecord.objects.get(object_type="customers.customer.past")
    assert (record.staff_id, record.customer_id) == (clerk.pk, wang.pk)


def test_before_they_were_recorded_there_is_nothing_and_that_is_said(client, clerk, wang):
    status, page = look(client, wang, as_of=(clock() - timedelta(days=400)).isoformat())

    assert status == 404
    assert "was not recorded here" in page


@pytest.mark.parametrize("moment", ["yesterday", "2126-01-01T00:00", "0001-01-01", "9" * 300])
def test_what_is_no_past_moment_is_refused(client, clerk, wang, moment):
    assert look(client, wang, as_of=moment)[0] == 400
    assert look(client, wang, "lines/", as_of=moment)[0] == 400
    assert look(client, wang, "about/", as_of=moment)[0] == 400


def test_who_may_not_see_them_now_may_not_see_them_then(client, clerk, wang, province):
    then = clock()
    Customer.objects.filter(pk=wang.pk).update(home_org=province["b_hall"])

    assert look(client, wang, as_of=then.isoformat())[0] == 404
    assert look(client, wang, "changes/")[0] == 404


def test_who_may_see_them_now_sees_what_they_were_elsewhere(client, clerk, wang, province):
    Customer.objects.filter(pk=wang.pk).update(home_org=province["b_hall"])
    then = clock()
    Customer.objects.filter(pk=wang.pk).update(home_org=province["a_hall"])

    status, page = look(client, wang, as_of=then.isoformat())

    assert status == 200 and province["b_hall"].name in page


def test_the_past_takes_as_few_queries_as_the_present(
    client, clerk, wang, django_assert_max_num_queries
):
    look(client, wang)
    then = clock().isoformat()
    with django_assert_max_num_queries(16):
        look(client, wang, as_of=then)


def test_changes_are_told_in_words_masked_with_who_made_them(client, clerk, wang):
    boss = make_staff("manager", name="Ada Boss")
    with attributed(actor_id=boss.pk, via="request 7"):
        Party.objects.filter(pk=wang.party_id).update(name="王大明")
        Customer.objects.filter(pk=wang.pk).update(status="DORMANT")
        ContactMedium.objects.create(
            party=wang.party, kind="PHONE", value="13812345678", starts_at=timezone.now()
        )

    _, page = look(client, wang, "changes/")

    assert "Ada Boss" in page and "request 7" in page
    assert "Dormant" in page
    assert "王*明" in page and "王大明" not in page
    assert "138****5678" in page and "13812345678" not in page
    assert re.search(r"<ins>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d</ins>", page), "no time as stored"


def test_a_period_the_wrong_way_round_is_refused_with_a_sentence(client, clerk, wang):
    status, page = look(
        client, wang, "changes/", after="2026-11-02T00:00", until="2026-11-01T00:00"
    )

    assert status == 400
    assert "must lie before" in page


def test_without_changes_the_page_says_so(client, clerk, wang):
    day = timezone.localtime() - timedelta(days=9)
    period = {"after": f"{day:%Y-%m-%dT00:00}", "until": f"{day:%Y-%m-%dT12:00}"}

    _, page = look(client, wang, "changes/", **period)

    assert "Nothing changed in this period." in page
