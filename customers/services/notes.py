"""Notes for colleagues, in which they can be named: "@agent please call back"."""

import re
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from crm.platform.access.models import Staff
from crm.platform.bus import announce
from crm.platform.errors import DomainError, Refusal
from crm.platform.events.outbox import publish
from customers.events import NOTE_EDITED, NOTE_WRITTEN
from customers.models import EDITABLE_FOR, Customer, Mention, Note
from customers.selectors.interactions import timeline_channel

LONGEST = 2000
MOST_MENTIONS = 10
_NAMED = re.compile(r"(?<![\w.@-])@([\w.-]{1,40})")


class NoteRefused(DomainError):
    code = "note_refused"


@transaction.atomic
def write_note(
    *,
    customer: Customer,
    author: Staff,
    text: str,
    interaction_id: UUID | None = None,
    at: datetime,
) -> Note:
    """
    Write a note about a customer; whoever it names with "@staff code" finds it on their desk.

    :raises NoteRefused: with every rule that fails: empty or too long, too many named, or one
        named who may not see this customer.
    """
    text = text.strip()
    named = _named(text)
    _refuse(text, named, customer)
    note = Note.objects.create(
        customer=customer, author=author, text=text, written_at=at, interaction_id=interaction_id
    )
    Mention.objects.bulk_create(Mention(note=note, staff=staff) for staff in named)
    _tell(NOTE_WRITTEN, note, author, named, at)
    return note


@transaction.atomic
def edit_note(*, note_id: int, author: Staff, text: str, at: datetime) -> Note:
    """
    Put right one's own note, within a quarter of an hour; what it said before stays in the history.

    Whoever is named for the first time finds it on their desk; who no longer is, and has not seen
    it, does not.

    :raises NoteRefused: `note_not_yours`, `note_too_old`, and as `write_note` does.
    :raises Note.DoesNotExist: if there is no such note.
    """
    note = Note.objects.select_for_update(of=("self",)).select_related("customer").get(pk=note_id)
    if note.author_id != author.pk:
        said = _("Only its author can change a note. Write one of your own.")
        raise NoteRefused(said, code="note_not_yours")
    if at > note.written_at + EDITABLE_FOR:
        said = _("A note can be changed for a quarter of an hour. Write another one.")
        raise NoteRefused(said, code="note_too_old")
    text = text.strip()
    if text == note.text:
        return note
    named = _named(text)
    _refuse(text, named, note.customer)
    note.text, note.edited_at = text, at
    note.save(update_fields=["text", "edited_at"])
    Mention.objects.filter(note=note, seen_at=None).exclude(staff__in=named).delete()
    new = [Mention(note=note, staff=staff) for staff in named]
    Mention.objects.bulk_create(new, ignore_conflicts=True)
    _tell(NOTE_EDITED, note, author, named, at)
    return note


def mark_mention_seen(*, mention_id: int, staff: Staff, at: datetime) -> None:
    """Take a mention off one's desk. Somebody else's stays where it is."""
    Mention.objects.filter(pk=mention_id, staff=staff, seen_at=None).update(seen_at=at)


def _named(text: str) -> list[Staff]:
    codes = {code.rstrip(".-") for code in _NAMED.findall(text)}
    people = Staff.objects.filter(staff_code__in=codes, is_active=True, is_system=False)
    return list(people.order_by("pk"))


def _refuse(text: str, named: list[Staff], customer: Customer) -> None:
    refusals = []
    if not any(character.isalnum() for character in text):
        refusals.append(Refusal("note_empty", _("Write something first."), field="text"))
    if len(text) > LONGEST:
        said = _("A note has at most %(most)d characters.") % {"most": LONGEST}
        refusals.append(Refusal("note_too_long", said, field="text"))
    if len(named) > MOST_MENTIONS:
        said = _("A note names at most %(most)d people.") % {"most": MOST_MENTIONS}
        refusals.append(Refusal("too_many_named", said, field="text"))
    else:
        strangers = [staff.name for staff in named if not _may_see(staff, customer)]
        if strangers:
            said = _("%(names)s may not see this customer, so cannot be named here.") % {
                "names": ", ".join(strangers)
            }
            refusals.append(Refusal("named_out_of_scope", said, field="text"))
    if refusals:
        said = " ".join(refusal.message for refusal in refusals)
        raise NoteRefused(said, code=refusals[0].code, refusals=refusals)


def _may_see(staff: Staff, customer: Customer) -> bool:
    """Whether a colleague may open this customer and read notes there."""
    return staff.has_perms(["customers.view_customer", "customers.view_note"]) and (
        Customer.objects.visible_to(staff).filter(pk=customer.pk).exists()
    )


def _tell(event: str, note: Note, author: Staff, named: list[Staff], at: datetime) -> None:
    publish(
        event,
        at=at,
        actor=author,
        note_id=note.pk,
        customer_id=note.customer_id,
        named=[staff.pk for staff in named],
    )
    transaction.on_commit(partial(announce, timeline_channel(note.customer_id)))
