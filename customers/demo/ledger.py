"""Rows of usage, bills and payments, laid out for binary COPY."""

import numpy as np

from customers.demo.arrays import Bytes, Days, Whole
from customers.demo.life import Life
from customers.demo.lines import Lines
from customers.demo.money import DUE_DAY, METHODS, Money
from customers.demo.people import People
from customers.demo.structure import Chunk
from customers.demo.timeline import WARM_UP, date_value
from customers.demo.writer import Layout, Written, amounts, binary, digits, fixed

_ITEMS = ("plan", "discount", "usage", "value_added")
_ITEM_FIGURES = 8
_USAGE = Layout(
    "customers_monthlyusage",
    (
        ("month", "date"), ("subscriber_id", "int8"), ("customer_id", "int8"),
        ("voice_out_seconds", "int8"), ("voice_in_seconds", "int8"), ("sms_count", "int4"),
        ("data_kb", "int8"), ("roaming_kb", "int8"), ("night_data_kb", "int8"),
        ("dropped_calls", "int4"),
    ),
)  # fmt: skip
_BILL = Layout(
    "customers_bill",
    (
        ("month", "date"), ("account_id", "int8"), ("number", "text:19"),
        ("customer_id", "int8"), ("version", "int4"), ("amount_fen", "int8"),
        ("paid_fen", "int8"), ("due_on", "date"), ("items", "jsonb:81"),
    ),
)  # fmt: skip
_CHANNELS = ("APP", "BANK", "COUNTER", "AGENT", "KIOSK", "OTHER")
_TEN_MINUTES = 600_000_000


def _payment(channel: str, *, reversal: bool) -> Layout:
    return Layout(
        "customers_payment",
        (
            ("paid_at", "timestamptz"), ("number", "text:23"), ("account_id", "int8"),
            ("customer_id", "int8"), ("amount_fen", "int8"), ("channel", f"text:{len(channel)}"),
            ("reversal_of", "text:23" if reversal else "text:0"),
        ),
    )  # fmt: skip


def usage(chunk: Chunk, people: People, lines: Lines, life: Life) -> Written:
    """One row for every month in which a line was in service."""
    month, line = np.nonzero(life.share[WARM_UP:] > 0)
    cells = (month + WARM_UP, line)
    data, talk = life.data_kb[cells], life.voice_out[cells]
    return binary(
        _USAGE,
        {
            "month": date_value(chunk.specification.timeline.start_of(month)),
            "subscriber_id": lines.ids[line],
            "customer_id": people.customer_ids[lines.customer[line]],
            "voice_out_seconds": talk,
            "voice_in_seconds": (talk * lines.called_more[line]).astype(np.int64),
            "sms_count": talk // 1800 + (talk > 0) * 2,
            "data_kb": data,
            "roaming_kb": (data * lines.roaming_share[line]).astype(np.int64),
            "night_data_kb": (data * lines.night_share[line]).astype(np.int64),
            "dropped_calls": life.dropped[cells],
        },
    )


def bills(chunk: Chunk, people: People, life: Life, money: Money) -> Written:
    """One row for every month in which an account was billed; the items add up."""
    timeline, who = chunk.specification.timeline, money.customer
    begin = timeline.start_of(money.month)
    cells = (money.month + WARM_UP, who)
    values = (life.plan_fen, life.discount_fen, life.usage_fen, life.value_added_fen)
    items: list[Bytes | bytes] = []
    for name, amount in zip(_ITEMS, values, strict=True):
        items += [f'{"," if items else "{"}"{name}":'.encode()]
        items += [amounts(amount[cells], _ITEM_FIGURES)]
    return binary(
        _BILL,
        {
            "month": date_value(begin),
            "account_id": people.account_ids[who],
            "number": fixed(b"B", _month_figures(begin), digits(people.account_ids[who], 12)),
            "customer_id": people.customer_ids[who],
            "version": np.ones(len(who), np.int64),
            "amount_fen": money.amount_fen,
            "paid_fen": money.paid_fen,
            "due_on": date_value(timeline.start_of(money.month + 1) + (DUE_DAY - 1)),
            "items": fixed(*items, b"}"),
        },
    )


def payments(chunk: Chunk, people: People, money: Money) -> list[Written]:
    """The payments by channel; a reversed one is followed by its reversal and done again."""
    who, month = money.customer[money.bill], money.month[money.bill]
    tail = fixed(
        _month_figures(chunk.specification.timeline.start_of(month)),
        digits(people.account_ids[who], 12),
        digits(money.ordinal, 4),
    )
    undone = money.reversed
    first = fixed(b"P", tail)
    again = np.flatnonzero(undone)
    paid_at = np.r_[money.paid_at, money.paid_at[again] + 2 * _TEN_MINUTES]
    number = np.r_[first, fixed(b"Q", tail[again])]
    part, who_all = np.r_[money.part_fen, money.part_fen[again]], np.r_[who, who[again]]
    kinds = (
        (False, paid_at, number, part, who_all),
        (True, money.paid_at[again] + _TEN_MINUTES, fixed(b"R", tail[again]),
         -money.part_fen[again], who[again]),
    )  # fmt: skip
    found = []
    for reversal, at, numbered, amount, payer in kinds:
        for n, channel in enumerate(_CHANNELS):
            rows = np.flatnonzero(money.method[payer] == n)
            rows = rows[np.argsort(at[rows], kind="stable")]
            columns = {
                "paid_at": at[rows],
                "number": numbered[rows],
                "account_id": people.account_ids[payer[rows]],
                "customer_id": people.customer_ids[payer[rows]],
                "amount_fen": amount[rows],
                "channel": np.full(len(rows), channel.encode()),
                "reversal_of": first[again[rows]] if reversal else np.zeros(len(rows), "S1"),
            }
            if len(rows):
                found.append(binary(_payment(channel, reversal=reversal), columns))
    return found


def account_method(money: Money) -> list[str]:
    return [METHODS[n] for n in money.method.tolist()]


def _month_figures(begin: Days) -> Bytes:
    month: Whole = begin.astype("datetime64[M]").astype(np.int64)
    return digits((1970 + month // 12) * 100 + month % 12 + 1, 6)
