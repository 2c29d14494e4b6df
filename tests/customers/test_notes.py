"""Notes for colleagues: named people find them, the author may put them right for a while."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from crm.platform.events.models import Event
from customers.models import Mention, Note
from customers.services import NoteRefused, edit_note, mark_mention_seen, write_note
from tests.factories import make_customer, make_province, make_staff

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 2, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def hall():
    return make_province()


@pytest.fixture
def author(hall):
    return make_staff("clerk", org=hall["a_hall"])


@pytest.fixture
def wang(hall):
    return make_customer(home_org=hall["a_hall"])


def codes(call):
    with pytest.raises(NoteRefused) as refused:
        call()
    return [refusal.code for refusal in refused.value.refusals] or [refused.value.code]


def named(note):
    return set(Mention.objects.filter(note=note).values_list("staff__staff_code", flat=True))


def test_whoever_is_named_finds_the_note(hall, author, wang):
    make_staff("agent", org=hall["p"], staff_code="su.wq")
    make_staff("clerk", org=hall["a_hall"], staff_code="cheng")

    note = write_note(
        customer=wang, author=author, at=NOON,
        text="@su.wq please call back, @cheng. Not to a@cheng or @nobody.",
    )  # fmt: skip

    assert named(note) == {"su.wq", "cheng"}
    event = Event.objects.get(name="customers.note.written")
    assert event.data["note_id"] == note.pk
    assert "call back" not in str(event.data)


@pytest.mark.parametrize("role", ["clerk", "analyst", "admin"])
def test_nobody_is_named_who_may_not_see_the_customer(hall, author, wang, role):
    make_staff(role, org=hall["b_hall"], staff_code="far")

    refused = codes(lambda: write_note(customer=wang, author=author, text="@far look", at=NOON))

    assert refused == ["named_out_of_scope"]
    assert not Note.objects.exists()


def test_every_wrong_thing_is_said_at_once(hall, author, wang):
    make_staff("clerk", org=hall["b_hall"], staff_code="far")

    refused = codes(
        lambda: write_note(customer=wang, author=author, text="@far " + "x" * 2000, at=NOON)
    )

    assert refused == ["note_too_long", "named_out_of_scope"]
    for nothing in ("", "   ", "...", "\u200b"):
        call = lambda text=nothing: write_note(  # noqa: E731
            customer=wang, author=author, text=text, at=NOON
        )
        assert codes(call) == ["note_empty"]


def test_its_author_puts_it_right_within_a_quarter_of_an_hour(hall, author, wang):
    for code in ("old", "new", "seen"):
        make_staff("clerk", org=hall["a_hall"], staff_code=code)
    note = write_note(customer=wang, author=author, text="@old @seen", at=NOON)
    mark_mention_seen(
        mention_id=note.mentions.get(staff__staff_code="seen").pk,
        staff=note.mentions.get(staff__staff_code="seen").staff,
        at=NOON,
    )

    edit_note(note_id=note.pk, author=author, text="@new", at=NOON + 15 * MINUTE)

    note.refresh_from_db()
    assert (note.text, note.edited_at) == ("@new", NOON + 15 * MINUTE)
    assert named(note) == {"new", "seen"}
    late = NOON + 15 * MINUTE + timedelta(seconds=1)
    assert codes(lambda: edit_note(note_id=note.pk, author=author, text="x1", at=late)) == [
        "note_too_old"
    ]


def test_nobody_else_changes_it(hall, author, wang):
    note = write_note(customer=wang, author=author, text="mine", at=NOON)
    colleague = make_staff("hallmanager", org=hall["a_hall"])

    refused = codes(lambda: edit_note(note_id=note.pk, author=colleague, text="ours", at=NOON))

    assert refused == ["note_not_yours"]


def test_the_database_keeps_it(author, wang):
    note = write_note(customer=wang, author=author, text="as it was", at=NOON)
    row = Note.objects.filter(pk=note.pk)

    for change in (
        lambda: row.update(text="forged"),
        lambda: row.update(written_at=NOON - MINUTE),
        lambda: row.update(author=make_staff()),
        row.delete,
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()
    with pytest.raises(IntegrityError, match="edited_soon"), transaction.atomic():
        row.update(text="late", edited_at=NOON + 16 * MINUTE)


def test_only_whose_it_is_takes_a_mention_off_the_desk(hall, author, wang):
    named_one = make_staff("clerk", org=hall["a_hall"], staff_code="cheng")
    note = write_note(customer=wang, author=author, text="@cheng", at=NOON)
    mention = note.mentions.get()

    mark_mention_seen(mention_id=mention.pk, staff=author, at=NOON)
    assert Mention.objects.get().seen_at is None

    mark_mention_seen(mention_id=mention.pk, staff=named_one, at=NOON)
    assert Mention.objects.get().seen_at == NOON
