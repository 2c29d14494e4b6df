"""
Whether a customer may be contacted: one rule, kept in the database as
`customers_contactability`, so that pages, REST and senders cannot disagree.

A sender may also put it into its own claiming statement, row by row as `customers_contact_verdict`:

    UPDATE … SET status = 'SENDING' WHERE id = … AND status = 'QUEUED' AND
      customers_contact_verdict(party_id, 'MARKETING', 'SMS', now(), 'Asia/Shanghai') = 'allowed'
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from customers.models import CHANNELLED, EVERY_CHANNEL, ConsentPurpose, ContactChannel

ALLOWED = "allowed"
OUTSIDE_WINDOW = "outside_window"
REASONS: dict[str, str | Promise] = {
    ALLOWED: _("The customer agreed."),
    "do_not_contact": _("The customer is not to be contacted."),
    "no_consent": _("The customer never agreed to this."),
    "withdrawn": _("The customer withdrew their consent."),
    "expired": _("The consent has ended."),
    OUTSIDE_WINDOW: _("Not at this time."),
}

_HOLD = """
SELECT p.id FROM customers_party p
WHERE p.id IN (SELECT party_id FROM customers_customer WHERE id = ANY (%s))
ORDER BY p.id FOR SHARE
"""
_VERDICTS = """
SELECT c.id, asked.channel, answer.*
FROM customers_customer c
CROSS JOIN unnest(%(channels)s::text[]) AS asked (channel)
CROSS JOIN LATERAL customers_contactability(
  c.party_id, %(purpose)s, asked.channel, %(at)s, %(clock)s
) AS answer
WHERE c.id = ANY (%(customers)s)
"""


@dataclass(frozen=True)
class Verdict:
    """
    Whether it is allowed; the rule that decided (a key of REASONS) and its sentence; and, where
    only the time is wrong, from when on it is right.
    """

    allowed: bool
    code: str
    reason: str
    next_at: datetime | None = None


def may_contact(
    *, customer_id: int, purpose: ConsentPurpose | str, channel: str = EVERY_CHANNEL, at: datetime
) -> Verdict:
    """
    Return whether the customer may be contacted for this purpose in this channel at `at`.

    The ledger is read as it stands: `at` decides on ends of consents and on the time window,
    not on which decisions count. Purposes without channels are asked without one.

    :raises ValueError: for a purpose or channel there is not, or a channel too many or missing.
    """
    found = contact_verdicts(customer_ids=[customer_id], purpose=purpose, channel=channel, at=at)
    return found.get(customer_id) or _verdict("no_consent")


def contact_verdicts(
    *,
    customer_ids: Sequence[int],
    purpose: ConsentPurpose | str,
    channel: str = EVERY_CHANNEL,
    at: datetime,
    hold: bool = False,
) -> dict[int, Verdict]:
    """
    Return the verdict on each of these customers, in one statement; of unknown ids, none.

    Every withdrawal that committed before the call counts. With `hold` those that are being
    written at this moment are waited for, and later ones wait until the caller's transaction
    ends: claim the messages in the same transaction, and none goes out after its withdrawal.

    :raises ValueError: as `may_contact`.
    :raises RuntimeError: with `hold` outside a transaction.
    """
    _check(purpose, channel)
    if hold:
        if not connection.in_atomic_block:
            raise RuntimeError("Customers can be held in a transaction only")
        with connection.cursor() as cursor:
            cursor.execute(_HOLD, [list(customer_ids)])
    rows = _ask(customer_ids, purpose, [channel], at)
    return {customer: verdict for customer, _channel, verdict in rows}


def verdicts_by_channel(
    *, customer_id: int, purpose: ConsentPurpose | str, at: datetime
) -> dict[str, Verdict]:
    """Return the verdict for each channel, for a purpose that has channels."""
    unknown = dict.fromkeys(ContactChannel.values, _verdict("no_consent"))
    rows = _ask([customer_id], purpose, ContactChannel.values, at)
    return unknown | {channel: verdict for _customer, channel, verdict in rows}


def next_in_window(
    at: datetime, *, starts: time | None, ends: time | None, days: Iterable[int]
) -> datetime:
    """Return the first moment from `at` on that lies in the window of the operator's clock."""
    clock, allowed = ZoneInfo(settings.TIME_ZONE), set(days)
    local = at.astimezone(clock)
    for ahead in range(8):
        day = local.date() + timedelta(days=ahead)
        opens = datetime.combine(day, starts or time.min, clock)
        closes = datetime.combine(day, ends or time.max, clock)
        if day.isoweekday() in allowed and local < closes:
            return max(opens, local)
    raise ValueError("a window without days")


def _check(purpose: ConsentPurpose | str, channel: str) -> None:
    if ConsentPurpose(purpose) in CHANNELLED:
        ContactChannel(channel)
    elif channel != EVERY_CHANNEL:
        raise ValueError(f"{purpose} has no channels")


def _ask(
    customer_ids: Sequence[int],
    purpose: ConsentPurpose | str,
    channels: Sequence[str],
    at: datetime,
) -> list[tuple[int, str, Verdict]]:
    with connection.cursor() as cursor:
        cursor.execute(
            _VERDICTS,
            {
                "customers": list(customer_ids),
                "purpose": ConsentPurpose(purpose).value,
                "channels": list(channels),
                "at": at,
                "clock": settings.TIME_ZONE,
            },
        )
        rows = cursor.fetchall()
    verdicts = {code: _verdict(code) for code in {row[2] for row in rows}}
    found = []
    for customer, channel, code, starts, ends, days in rows:
        if code == OUTSIDE_WINDOW:
            again = next_in_window(at, starts=starts, ends=ends, days=days)
            found.append((customer, channel, _verdict(code, again)))
        else:
            found.append((customer, channel, verdicts[code]))
    return found


def _verdict(code: str, next_at: datetime | None = None) -> Verdict:
    reason = str(REASONS[code])
    if next_at is not None:
        when = date_format(timezone.localtime(next_at), "Y-m-d H:i")
        reason = gettext("The customer asked not to be contacted before %(when)s.") % {"when": when}
    return Verdict(code == ALLOWED, code, reason, next_at)
