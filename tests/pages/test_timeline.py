"""The timeline of a customer: one order, filters, pages, scope, and word of news."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import transaction
from django.utils import timezone

from crm.pages.live import TimelineTopic
from crm.platform.audit.models import AccessRecord
from crm.platform.records import first_of_month
from customers.models import (
    Bill,
    ChurnScore,
    Interaction,
    Note,
    Payment,
    ServiceStop,
    SubscriberStatusPeriod,
)
from customers.services import (
    Proof,
    Wishes,
    give_consent,
    open_interaction,
    set_preferences,
    write_note,
)
from customers.timeline.reading import Show, timeline_of
from tests.factories import make_account, make_customer, make_staff, make_subscriber

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HTMX = {"HX-Request": "true"}


@pytest.fixture
def clerk(province, client, partitions):
    staff = make_staff("clerk", org=province["a_hall"])
    client.force_login(staff)
    return staff


@pytest.fixture
def wang(province):
    return make_customer(home_org=province["a_hall"], name="王小明")


def panel(client, customer, query="", htmx=True):
    answer = client.get(
        f"/customers/{customer.number}/timeline/{query}", headers=HTMX if htmx else {}
    )
    assert answer.status_code == 200
    return answer.content.decode()


def contact(customer, at, **given):
    fields = {"channel": "CALL", "purpose": "ENQUIRY", "customer_id": customer.pk}
    return Interaction.objects.create(**fields | given, started_at=at)


def one_of_everything(customer, staff):
    line = make_subscriber(customer=customer, service_number="13812345678")
    account = make_account(customer=customer)
    month = first_of_month(timezone.localdate() - 40 * DAY)
    contact(customer, NOW - HOUR, topic="balance")
    contact(customer, NOW - 2 * HOUR, purpose="COMPLAINT", channel="APP", topic="too dear")
    Payment.objects.create(
        paid_at=NOW - 3 * HOUR, number="P1", account_id=account.pk, customer_id=customer.pk,
        amount_fen=5000, channel="COUNTER",
    )  # fmt: skip
    Bill.objects.create(
        month=month, account_id=account.pk, number="B1", customer_id=customer.pk,
        amount_fen=12900, due_on=timezone.localdate() - 5 * DAY,
    )  # fmt: skip
    SubscriberStatusPeriod.objects.filter(subscriber=line).update(ends_at=NOW - 4 * HOUR)
    SubscriberStatusPeriod.objects.create(
        subscriber=line, status="SUSPENDED", starts_at=NOW - 4 * HOUR
    )
    ServiceStop.objects.create(
        subscriber=line, reason="LOST", raised_at=NOW - 5 * HOUR, cleared_at=NOW - HOUR / 2
    )
    ChurnScore.objects.create(
        as_of=timezone.localdate() - 3 * DAY, subscriber_id=line.pk, customer_id=customer.pk,
        probability=0.42, decile=1, model_version="m", scored_at=NOW - 3 * DAY,
    )  # fmt: skip
    give_consent(
        customer_id=customer.pk, purpose="MARKETING", channels=["SMS"],
        proof=Proof("PAPER", "Form 17"), actor=staff, at=NOW - 6 * HOUR,
    )  # fmt: skip
    set_preferences(
        customer_id=customer.pk, wishes=Wishes(do_not_contact="WISH"), seen=None, actor=staff,
        at=NOW - 7 * HOUR,
    )  # fmt: skip
    write_note(customer=customer, author=staff, text="Call 13987654321", at=NOW - 8 * HOUR)


def test_everything_is_in_one_order(client, clerk, wang):
    one_of_everything(wang, clerk)

    page = timeline_of(customer=wang, staff=clerk, at=NOW)

    newest_first = [entry.at for entry in page.entries]
    assert newest_first == sorted(newest_first, reverse=True)
    assert {entry.source for entry in page.entries} == {
        "contact", "payment", "bill", "state", "stop", "stop_cleared", "score", "consent",
        "preference", "note",
    }  # fmt: skip
    html = panel(client, wang)
    assert clerk.name in html
    assert "¥129.00" in html
    assert "42.0%" in html


def test_nothing_personal_is_shown_whole(client, clerk, wang):
    one_of_everything(wang, clerk)
    contact(wang, NOW, topic="320102199001011234 says")

    html = panel(client, wang)

    assert "139****4321" in html
    assert "138****5678" in html
    assert "320102********1234" in html
    for whole in ("13987654321", "13812345678", "320102199001011234"):
        assert whole not in html


@pytest.mark.parametrize(
    ("show", "sources"),
    [
        ("contacts", {"contact"}),
        ("complaints", {"contact"}),
        ("money", {"payment", "bill"}),
        ("status", {"state", "stop", "stop_cleared", "score", "consent", "preference"}),
        ("notes", {"note"}),
    ],
)
def test_a_chip_shows_its_own(client, clerk, wang, show, sources):
    one_of_everything(wang, clerk)

    page = timeline_of(customer=wang, staff=clerk, show=Show(show), at=NOW)

    assert {entry.source for entry in page.entries} == sources
    if show == "complaints":
        assert [entry.facts["purpose"] for entry in page.entries] == ["COMPLAINT"]
    assert 'aria-current="true"' in panel(client, wang, f"?show={show}")


def test_pages_follow_without_a_gap_or_a_repeat_across_sources_of_one_moment(clerk, wang):
    moments = [NOW - n // 6 * DAY for n in range(60)]
    Interaction.objects.bulk_create(
        Interaction(started_at=at, customer_id=wang.pk, channel="CALL", purpose="CARE")
        for at in moments
    )
    Note.objects.bulk_create(
        Note(customer=wang, author=clerk, text="x1", written_at=at) for at in moments[:30]
    )
    Payment.objects.bulk_create(
        Payment(
            paid_at=at, number=f"P{n}", account_id=1, customer_id=wang.pk, amount_fen=1,
        )
        for n, at in enumerate(moments[:30])
    )  # fmt: skip
    Bill.objects.bulk_create(
        Bill(
            month=first_of_month(at.date()), account_id=n, number=f"B{n}", customer_id=wang.pk,
            amount_fen=5, due_on=timezone.localdate(at) - DAY,
        )
        for n, at in enumerate(moments[:30])
    )  # fmt: skip
    seen, before = [], None

    for _page in range(30):
        page = timeline_of(customer=wang, staff=clerk, before=before, at=NOW, most=7)
        seen += page.entries
        before = page.older
        if before is None:
            break

    assert before is None
    assert len(seen) == 60 + 30 + 30 + 30
    assert len({(entry.source, entry.key) for entry in seen}) == len(seen)
    assert all(newer.mark > older.mark for newer, older in pairwise(seen))


def test_what_is_years_old_is_reached_a_year_at_a_time(clerk, wang, partitions):
    contact(wang, NOW - 400 * DAY, topic="long ago")
    Note.objects.create(customer=wang, author=clerk, text="x1", written_at=NOW - 600 * DAY)
    wang.opened_on = (NOW - 700 * DAY).date()

    seen, before = [], None
    for _page in range(4):
        page = timeline_of(customer=wang, staff=clerk, before=before, at=NOW)
        seen.append(len(page.entries))
        before = page.older
        if before is None:
            break

    assert sum(seen) == 2
    assert before is None


@pytest.mark.parametrize("n", [1, 10, 10_000])
def test_it_asks_as_much_of_much_as_of_little(client, clerk, wang, n, django_assert_num_queries):
    Interaction.objects.bulk_create(
        Interaction(
            started_at=NOW - timedelta(minutes=i), customer_id=wang.pk, channel="CALL",
            purpose="ENQUIRY", staff_id=clerk.pk,
        )
        for i in range(n)
    )  # fmt: skip
    Note.objects.bulk_create(
        Note(customer=wang, author=clerk, text="x1", written_at=NOW - timedelta(minutes=i))
        for i in range(n)
    )
    panel(client, wang)

    with django_assert_num_queries(17):
        panel(client, wang)


def test_a_look_is_written_down(client, clerk, wang):
    contact(wang, NOW)

    panel(client, wang)

    record = AccessRecord.objects.get(object_type="customers.customer.timeline")
    assert (record.row_count, record.customer_id) == (1, wang.pk)


def test_the_past_shows_what_was_known_then(client, clerk, wang):
    write_note(customer=wang, author=clerk, text="only later", at=NOW)

    html = panel(client, wang, f"?as_of={(timezone.now() - DAY).strftime('%Y-%m-%dT%H:%M:%S')}Z")

    assert "only later" not in html
    assert "note-form" not in html


def test_what_the_role_may_not_see_is_left_out(province, wang):
    clerk = make_staff("clerk", org=province["a_hall"])
    one_of_everything(wang, clerk)
    blind = make_staff(org=province["a_hall"])

    page = timeline_of(customer=wang, staff=blind, at=NOW)

    assert {entry.source for entry in page.entries}.isdisjoint(
        {"payment", "bill", "note", "consent", "preference"}
    )


class TestNotes:
    def test_a_note_comes_on_top_and_belongs_to_the_contact(self, client, clerk, wang):
        opened = open_interaction(
            customer_id=wang.pk, staff=clerk, channel="COUNTER", at=timezone.now()
        )

        html = client.post(
            f"/customers/{wang.number}/notes/", {"text": "Wants fibre"}, headers=HTMX
        ).content.decode()

        assert "Wants fibre" in html
        assert Note.objects.get().interaction_id == opened.id

    def test_a_refused_one_keeps_what_was_typed(self, client, clerk, province, wang):
        make_staff("clerk", org=province["b_hall"], staff_code="far", name="Far Away")

        answer = client.post(
            f"/customers/{wang.number}/notes/", {"text": "@far look"}, headers=HTMX
        )

        assert answer.status_code == 409
        html = answer.content.decode()
        assert "Far Away may not see this customer" in html
        assert "@far look</textarea>" in html

    def test_its_author_changes_it(self, client, clerk, wang):
        note = write_note(customer=wang, author=clerk, text="Wants fibre", at=timezone.now())
        url = f"/customers/{wang.number}/notes/{note.pk}/"

        assert "Wants fibre" in client.get(url).content.decode()
        assert client.post(url, {"text": "Wants copper"}).status_code == 302
        assert "Wants copper" in panel(client, wang)

    def test_nobody_else_reaches_it(self, client, clerk, province, wang):
        note = write_note(customer=wang, author=clerk, text="mine", at=timezone.now())
        client.force_login(make_staff("clerk", org=province["a_hall"]))

        assert client.get(f"/customers/{wang.number}/notes/{note.pk}/").status_code == 404

    def test_who_is_named_finds_it_on_the_desk_until_seen(self, client, clerk, province, wang):
        agent = make_staff("agent", org=province["p"], staff_code="su")
        write_note(customer=wang, author=clerk, text="@su call 13987654321", at=timezone.now())
        client.force_login(agent)

        desk = client.get("/").content.decode()
        assert "@su call 139****4321" in desk
        client.post(re.search(r"/mentions/\d+/seen/", desk)[0])

        assert "@su call" not in client.get("/").content.decode()

    def test_a_customer_out_of_reach_by_now_leaves_the_desk(self, client, clerk, province, wang):
        colleague = make_staff("clerk", org=province["a_hall"], staff_code="su")
        write_note(customer=wang, author=clerk, text="@su look", at=timezone.now())
        wang.home_org = province["b_hall"]
        wang.save()
        client.force_login(colleague)

        assert "@su look" not in client.get("/").content.decode()

    def test_colleagues_are_offered_by_code_and_name(self, client, clerk, province):
        make_staff("agent", org=province["b_hall"], staff_code="su.wq", name="苏婉清")
        make_staff("agent", staff_code="su.elsewhere", name="苏东坡")  # of another province

        for asked in ("su", "苏"):
            html = client.get("/colleagues/", {"q": asked}).content.decode()
            assert 'data-code="su.wq"' in html
            assert "elsewhere" not in html
        assert "<li>" not in client.get("/colleagues/").content.decode()

    @pytest.mark.parametrize("role", ["auditor", "manager"])
    def test_who_only_looks_reads_and_does_not_write(self, client, province, wang, role):
        author = make_staff("clerk", org=province["a_hall"])
        write_note(customer=wang, author=author, text="for all", at=timezone.now())
        client.force_login(make_staff(role, org=province["p"]))

        html = panel(client, wang)
        assert "for all" in html
        assert "note-form" not in html
        answer = client.post(f"/customers/{wang.number}/notes/", {"text": "mine"})
        assert answer.status_code == 403

    def test_text_stays_text(self, client, clerk, wang):
        write_note(customer=wang, author=clerk, text="<script>alert(1)</script>", at=timezone.now())

        assert "<script>alert" not in panel(client, wang)


class TestLive:
    def test_the_mark_changes_with_every_contact_and_note(self, clerk, wang):
        topic, marks = TimelineTopic(), []

        def look():
            marks.append(topic.look(clerk, str(wang.pk)).html)

        look()
        opened = open_interaction(customer_id=wang.pk, staff=clerk, channel="CALL", at=NOW)
        look()
        Interaction.objects.filter(id=opened.id).update(
            state="CLOSED", result="Handled", ended_at=NOW
        )
        look()
        write_note(customer=wang, author=clerk, text="x1", at=NOW)
        look()

        assert len(set(marks)) == 4

    def test_who_may_not_see_the_customer_watches_nothing(self, clerk, province):
        stranger = make_customer(home_org=province["b_hall"])

        for key in (str(stranger.pk), "x", "٣", "9" * 30):
            assert TimelineTopic().look(clerk, key) is None

    def test_word_goes_out_when_the_contact_is_there_to_see(
        self, clerk, wang, monkeypatch, django_capture_on_commit_callbacks
    ):
        told = []
        monkeypatch.setattr("customers.services.interactions.announce", told.append)

        with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
            open_interaction(customer_id=wang.pk, staff=clerk, channel="CALL", at=NOW)
            assert told == []

        assert told == [TimelineTopic().channel(str(wang.pk))]
