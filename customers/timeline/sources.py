"""Where the lines of a timeline come from: one question each, by an index, newest first."""

from collections.abc import Callable, Iterator
from datetime import date
from uuid import UUID

from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.platform.access.masking import FieldClass, mask, mask_in_text
from crm.platform.ui.figures import money, percent
from customers.models import (
    Bill,
    Channel,
    ChurnScore,
    Consent,
    ContactPreference,
    Customer,
    Interaction,
    Note,
    Payment,
    Purpose,
    ServiceStop,
    Subscriber,
    SubscriberStatusPeriod,
)
from customers.timeline.entry import Entry, Window, midnight, padded

_ICONS = {
    Channel.CALL: "phone",
    Channel.IVR: "phone",
    Channel.COUNTER: "building-store",
    Channel.SMS: "message-2",
    Channel.EMAIL: "mail",
    Channel.VISIT: "walk",
    Channel.FAX: "printer",
}
_TONES = {"ACTIVE": "good", "SUSPENDED": "bad", "TERMINATED": "off"}
Source = Callable[[Customer, Window], Iterator[Entry]]


def contacts(customer: Customer, window: Window, *, only: str = "") -> Iterator[Entry]:
    rows = Interaction.objects.filter(customer_id=customer.pk)
    rows = rows.filter(purpose=only) if only else rows
    for row in window.newest(rows, source="contact", time="started_at", key="id", value=UUID):
        is_open = row.state == "OPEN"
        said = [mask_in_text(row.topic), _("in hand now") if is_open else mask_in_text(row.result)]
        facts = {
            name: getattr(row, name)
            for name in ("number", "channel", "direction", "purpose", "state", "auth_method",
                         "duration_seconds")
        }  # fmt: skip
        outbound = " " + _("(outbound)") if row.direction == "OUT" else ""
        yield Entry(
            row.started_at,
            "contact",
            str(row.id),
            f"{row.get_channel_display()} · {row.get_purpose_display()}{outbound}",
            " · ".join(filter(None, said)),
            icon=_ICONS.get(Channel(row.channel), "device-mobile"),
            tone="bad" if row.purpose == Purpose.COMPLAINT else "",
            staff_id=row.staff_id,
            facts=facts | {"interaction_id": str(row.id)},
        )


def complaints(customer: Customer, window: Window) -> Iterator[Entry]:
    return contacts(customer, window, only=Purpose.COMPLAINT)


def notes(customer: Customer, window: Window) -> Iterator[Entry]:
    rows = Note.objects.filter(customer=customer.pk)
    for row in window.newest(rows, source="note", time="written_at", key="id", value=int):
        yield Entry(
            row.written_at,
            "note",
            padded(row.pk),
            _("Note"),
            mask_in_text(row.text),
            icon="note",
            staff_id=row.author_id,
            facts={"note_id": row.pk, "edited_at": row.edited_at},
            note=row,
        )


def payments(customer: Customer, window: Window) -> Iterator[Entry]:
    rows = Payment.objects.filter(customer_id=customer.pk)
    for row in window.newest(rows, source="payment", time="paid_at", key="number"):
        title = _("Payment taken back") if row.amount_fen < 0 else _("Payment")
        yield Entry(
            row.paid_at,
            "payment",
            row.number,
            f"{title} {money(row.amount_fen)}",
            str(row.get_channel_display()),
            icon="cash",
            tone="bad" if row.amount_fen < 0 else "good",
            facts={"number": row.number, "amount_fen": row.amount_fen, "channel": row.channel},
        )


def overdue_bills(customer: Customer, window: Window) -> Iterator[Entry]:
    """Bills whose day to pay went by unpaid; of each month's partition only those of the window."""
    today = timezone.localdate(window.now)
    rows = Bill.objects.filter(
        customer_id=customer.pk,
        paid_fen__lt=F("amount_fen"),
        due_on__lt=today,
        month__gte=_months_before(timezone.localdate(window.since), 4),
        month__lte=today,
    )
    for row in window.newest(rows, source="bill", time="due_on", key="number", by_day=True):
        yield Entry(
            midnight(row.due_on),
            "bill",
            row.number,
            _("Bill not paid in time: %(owed)s") % {"owed": money(row.amount_fen - row.paid_fen)},
            _("bill of %(month)s, due %(day)s")
            % {"month": f"{row.month:%Y-%m}", "day": row.due_on},
            icon="receipt",
            tone="bad",
            is_day=True,
            facts={"number": row.number, "owed_fen": row.amount_fen - row.paid_fen},
        )


def states(customer: Customer, window: Window) -> Iterator[Entry]:
    rows = SubscriberStatusPeriod.objects.filter(subscriber__customer=customer.pk).select_related(
        "subscriber"
    )
    for row in window.newest(rows, source="state", time="starts_at", key="id", value=int):
        yield Entry(
            row.starts_at,
            "state",
            padded(row.pk),
            f"{_number(row.subscriber)}: {row.get_status_display()}",
            icon="device-mobile-cog",
            tone=_TONES.get(row.status, "risk"),
            facts={"subscriber": row.subscriber.number, "status": row.status},
        )


def stops(customer: Customer, window: Window) -> Iterator[Entry]:
    return _stops(customer, window, "stop", "raised_at")


def stops_cleared(customer: Customer, window: Window) -> Iterator[Entry]:
    return _stops(customer, window, "stop_cleared", "cleared_at")


def _stops(customer: Customer, window: Window, source: str, time: str) -> Iterator[Entry]:
    rows = ServiceStop.objects.filter(subscriber__customer=customer.pk).select_related("subscriber")
    raised = source == "stop"
    for row in window.newest(rows, source=source, time=time, key="id", value=int):
        title = _("stopped") if raised else _("stop cleared")
        yield Entry(
            getattr(row, time),
            source,
            padded(row.pk),
            f"{_number(row.subscriber)}: {title}",
            str(row.get_reason_display()),
            icon="hand-stop" if raised else "player-play",
            tone="bad" if raised else "good",
            staff_id=row.raised_by_id if raised else None,
            facts={"subscriber": row.subscriber.number, "reason": row.reason},
        )


def scores(customer: Customer, window: Window) -> Iterator[Entry]:
    """Lines that a scoring put into the tenth most likely to leave; the others are no news."""
    rows = ChurnScore.objects.filter(customer_id=customer.pk, decile=1)
    for row in window.newest(
        rows, source="score", time="as_of", key="subscriber_id", value=int,
        by_day=True,
    ):  # fmt: skip
        yield Entry(
            midnight(row.as_of),
            "score",
            padded(row.subscriber_id),
            _("Likely to leave: %(share)s") % {"share": percent(row.probability)},
            icon="trending-down",
            tone="risk",
            is_day=True,
            facts={"probability": row.probability, "model": row.model_version},
        )


def consents(customer: Customer, window: Window) -> Iterator[Entry]:
    rows = Consent.objects.filter(party=customer.party_id)
    for row in window.newest(rows, source="consent", time="recorded_at", key="id", value=int):
        where = f" ({row.get_channel_display()})" if row.channel else ""
        yield Entry(
            row.recorded_at,
            "consent",
            padded(row.pk),
            f"{row.get_purpose_display()}{where}: {row.get_state_display()}",
            str(row.get_source_display()),
            icon="shield-check" if row.state == "GIVEN" else "shield-x",
            staff_id=row.staff_id,
            facts={"purpose": row.purpose, "channel": row.channel, "state": row.state},
        )


def preferences(customer: Customer, window: Window) -> Iterator[Entry]:
    rows = ContactPreference.objects.filter(party=customer.party_id)
    for row in window.newest(rows, source="preference", time="set_at", key="id", value=int):
        yield Entry(
            row.set_at,
            "preference",
            padded(row.pk),
            _("Contact preferences set"),
            _("do not contact") if row.do_not_contact else "",
            icon="adjustments",
            tone="bad" if row.do_not_contact else "",
            staff_id=row.staff_id,
            facts={"do_not_contact": row.do_not_contact},
        )


def _number(line: Subscriber) -> str:
    return mask(line.service_number, FieldClass.PHONE)


def _months_before(day: date, months: int) -> date:
    month = day.year * 12 + day.month - 1 - months
    return date(month // 12, month % 12 + 1, 1)
