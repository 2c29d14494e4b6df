"""Contacts in every channel: most customers a few a year, some a great many."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customers.demo.arrays import Days, Flags, Whole
from customers.demo.life import Life
from customers.demo.lines import Lines
from customers.demo.people import People, Where
from customers.demo.states import Endings
from customers.demo.structure import Chunk, Stream
from customers.demo.timeline import WARM_UP, moment_text, moment_value
from customers.demo.writer import NULL, Written, numbers, text

CONTACTS_A_MONTH = 0.22
HEAVY_CONTACTS_A_MONTH = 250
_OPENING, _CLOSING = 8 * 3600, 22 * 3600


@dataclass(frozen=True)
class Kind:
    """What contacts of a purpose are like: their share, channels, topics and results."""

    purpose: str
    share: float
    channels: dict[str, float]
    topics: tuple[str, ...]
    results: tuple[str, ...]
    direction: str = "IN"


_COMPLAINT = Kind(
    "COMPLAINT", 0,
    {"CALL": 0.7, "APP": 0.12, "WECHAT": 0.1, "COUNTER": 0.08},
    ("费用争议", "网络质量", "套餐与实际不符", "营销打扰", "服务态度", "宽带故障久未修复"),
    ("已派单", "已解释", "已退费", "已安抚"),
)  # fmt: skip
_LEAVING = Kind(
    "BUSINESS", 0, {"COUNTER": 0.6, "CALL": 0.25, "APP": 0.15}, ("办理销户",), ("已受理",)
)
_KINDS = (
    Kind("ENQUIRY", 0.36, {"CALL": 0.4, "IVR": 0.25, "APP": 0.2, "WECHAT": 0.15},
         ("话费查询", "套餐余量", "业务咨询", "积分查询", "宽带覆盖"), ("已答复", "自助完成")),
    Kind("BUSINESS", 0.22, {"COUNTER": 0.35, "APP": 0.4, "CALL": 0.25},
         ("套餐变更", "增值业务订购", "增值业务退订", "补换卡", "宽带新装"), ("已受理", "已办结")),
    Kind("PAYMENT", 0.12, {"APP": 0.5, "KIOSK": 0.2, "COUNTER": 0.3},
         ("缴费", "充值", "打印发票"), ("已办结",)),
    Kind("FAULT", 0.08, {"CALL": 0.75, "APP": 0.25},
         ("无法上网", "通话掉线", "宽带中断", "短信收不到"), ("已派单", "指导恢复")),
    Kind("CARE", 0.08, {"CALL": 0.5, "SMS": 0.5},
         ("生日关怀", "满意度回访", "到期提醒"), ("已送达", "未接通"), "OUT"),
    Kind("MARKETING", 0.14, {"SMS": 0.6, "CALL": 0.4},
         ("5G套餐推荐", "宽带融合推荐", "合约续约"),
         ("已送达", "无意向", "有意向", "未接通"), "OUT"),
)  # fmt: skip
_STAFF = {"CALL": ("agent", "teamlead"), "COUNTER": ("clerk", "hallmanager")}
_METHODS = {
    "COUNTER": {"CARD_READER": 0.55, "DOCUMENT": 0.15, "SERVICE_PASSWORD": 0.1, "NONE": 0.2},
    "CALL": {"SERVICE_PASSWORD": 0.35, "ASKED": 0.3, "SMS_CODE": 0.15, "NONE": 0.2},
}
_TALKS = ("CALL", "COUNTER")


Columns = dict[str, NDArray[Any]]


def draw(
    chunk: Chunk, people: People, lines: Lines, life: Life, endings: Endings, where: Where
) -> Columns:
    """
    Draw every contact of the chunk's customers, in the order of customers and time.

    `who` is the customer's place in the chunk, `at` in microseconds since 2000-01-01 UTC.
    """
    rng = chunk.rng(Stream.CONTACTS)
    complaints = life.complaints[WARM_UP:]
    rate = CONTACTS_A_MONTH * life.eagerness + chunk.heavy * HEAVY_CONTACTS_A_MONTH
    month, who = _spread(rng.poisson(np.broadcast_to(rate, complaints.shape)))
    nature = rng.choice(len(_KINDS), len(who), p=[kind.share for kind in _KINDS])
    events = [(_COMPLAINT, *_spread(complaints))]
    events += [(kind, month[nature == n], who[nature == n]) for n, kind in enumerate(_KINDS)]
    first, last = _presence(chunk, people, lines, endings)
    parts = []
    for kind, in_month, of in events:
        day, there = _days(rng, chunk, in_month, first[of], last[of])
        parts.append(_columns(rng, kind, of[there], day[there], people, where))
    left = np.flatnonzero(np.array(endings.reason) == "CANCELLED")
    day = endings.ended_on[left]
    parts.append(_columns(rng, _LEAVING, lines.customer[left], day, people, where))
    drawn = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    in_order = np.lexsort((drawn["at"], drawn["who"]))
    return {name: values[in_order] for name, values in drawn.items()}


def _days(
    rng: np.random.Generator, chunk: Chunk, month: Whole, first: Days, last: Days
) -> tuple[Days, Flags]:
    """Draw a day in each month on which the customer was one; say for which there is any."""
    timeline = chunk.specification.timeline
    begin = timeline.start_of(month)
    low = np.clip((first - begin).astype(np.int64), 0, 31)
    high = np.clip((last - begin).astype(np.int64), 0, timeline.days_in(month))
    days = low + (rng.random(len(month)) * (high - low)).astype(np.int64)
    return begin + days, high > low


def _spread(counts: Whole) -> tuple[Whole, Whole]:
    """Return the row and the column of every one of the things counted in a table."""
    row, column = np.nonzero(counts)
    many = counts[row, column]
    return np.repeat(row, many), np.repeat(column, many)


def _presence(chunk: Chunk, people: People, lines: Lines, endings: Endings) -> tuple[Days, Days]:
    """Return each customer's first day and the day on which the last of their lines ended."""
    far = chunk.specification.timeline.starts[-1]
    ends = np.where(np.isnat(endings.ended_on), far, endings.ended_on)
    last = np.maximum.reduceat(ends, np.cumsum(chunk.lines) - chunk.lines)
    return people.opened_on, last


def _columns(
    rng: np.random.Generator, kind: Kind, who: Whole, day: Days, people: People, where: Where
) -> Columns:
    count = len(who)
    channel = rng.choice(list(kind.channels), count, p=list(kind.channels.values()))
    at = moment_value(day, rng.integers(_OPENING, _CLOSING, count))
    staff = np.full(count, NULL, object)
    for name, codes in _STAFF.items():
        ids = np.array([str(where.staff_ids[code]) for code in codes], object)
        here = channel == name
        if name == "COUNTER":
            here &= people.hall[who] == where.staff_hall
        staff[here] = rng.choice(ids, int(here.sum()))
    seconds = np.where(np.isin(channel, _TALKS), rng.gamma(2.2, 110, count).astype(np.int64), 0)
    return {
        "who": who,
        "at": at,
        "channel": channel.astype(object),
        "direction": np.full(count, kind.direction, object),
        "purpose": np.full(count, kind.purpose, object),
        "topic": rng.choice(np.array(kind.topics, object), count),
        "duration_seconds": seconds,
        "staff_id": staff,
        "result": rng.choice(np.array(kind.results, object), count),
    }


def rows(chunk: Chunk, drawn: Columns, people: People, lines: Lines, endings: Endings) -> Written:
    """Lay the contacts out in the order of time, which is that of the partitions."""
    rng = chunk.rng(Stream.CONTACT_IDS)
    who, at = drawn["who"], drawn["at"]
    position = np.arange(len(who))
    changed = np.r_[True, who[1:] != who[:-1]][: len(who)]
    nth = position - np.maximum.accumulate(np.where(changed, position, 0))
    ids = people.customer_ids[who]
    by_time = np.argsort(at, kind="stable")
    columns = {
        "started_at": moment_text(at),
        "id": _identifiers(rng, at),
        "number": [f"I{c:012d}{n:06d}" for c, n in zip(ids.tolist(), nth.tolist(), strict=True)],
        "customer_id": numbers(ids),
        "subscriber_id": _subscribers(who, at, lines, endings),
        **{name: drawn[name].tolist() for name in ("channel", "direction", "purpose", "topic")},
        "duration_seconds": numbers(drawn["duration_seconds"]),
        "staff_id": drawn["staff_id"].tolist(),
        "result": drawn["result"].tolist(),
        **_identified(chunk, drawn),
    }
    ordered = {name: [values[n] for n in by_time.tolist()] for name, values in columns.items()}
    return text("customers_interaction", ordered)


def _identified(chunk: Chunk, drawn: Columns) -> dict[str, list[str]]:
    """How those whom somebody served showed who they are: after half a minute, if at all."""
    rng = chunk.rng(Stream.CONTACT_AUTHENTICATION)
    count = len(drawn["who"])
    method = np.full(count, "NONE", object)
    for channel, shares in _METHODS.items():
        here = (drawn["channel"] == channel) & (drawn["staff_id"] != NULL)
        method[here] = rng.choice(list(shares), int(here.sum()), p=list(shares.values()))
    moments = moment_text(drawn["at"] + 30_000_000)
    at = [NULL if m == "NONE" else moment for m, moment in zip(method, moments, strict=True)]
    return {"auth_method": method.tolist(), "authenticated_at": at}


def _subscribers(who: Whole, at: Whole, lines: Lines, endings: Endings) -> list[str]:
    """The first line of the customer, if it was in service at the time."""
    main = np.flatnonzero(lines.first_of_customer)[who]
    opened = moment_value(lines.opened_on[main], 0)
    never = np.isnat(endings.ended_on[main])
    day = np.where(never, lines.opened_on[main], endings.ended_on[main])
    ended = np.where(never, np.iinfo(np.int64).max, moment_value(day, 24 * 3600))
    there = (at >= opened) & (at < ended)
    ids = lines.ids[main].tolist()
    return [str(n) if yes else NULL for n, yes in zip(ids, there.tolist(), strict=True)]


def _identifiers(rng: np.random.Generator, at: Whole) -> list[str]:
    """Version 7 UUIDs of the moment each contact began."""
    epoch = 946_684_800_000  # 2000-01-01 in milliseconds since 1970
    milliseconds = (at // 1000 + epoch).tolist()
    high = rng.integers(0, 1 << 12, len(at)).tolist()
    low = rng.integers(1 << 63, (1 << 63) + (1 << 62), len(at), dtype=np.uint64).tolist()
    return [
        f"{time:012x}7{a:03x}{b:016x}" for time, a, b in zip(milliseconds, high, low, strict=True)
    ]
