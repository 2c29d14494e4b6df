"""Cells made by a mapping: translated, converted, counted from a date, chosen by other cells."""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import partial

from crm.platform.feeds.columns import Column, Kind
from crm.platform.feeds.mapping import UNITS, FeedMapping, Rule
from crm.platform.feeds.reasons import CellFault

Make = Callable[[list[str]], str]
_DECIMAL = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{0,9})?", re.ASCII)


def maker(
    rule: Rule, target: Column, mapping: FeedMapping, header: Mapping[str, int], key: int | None
) -> Make:
    """
    Return the function that makes a target's cell out of a record.

    `header` maps column names to positions; `key` is the position of the row's own key, by
    which days are spread: the same row always falls on the same day.
    """
    if rule.choose:
        choices = [
            (_matcher(choice.when, header), maker(choice, target, mapping, header, key))
            for choice in rule.choose
        ]
        return partial(_choose, choices, rule.default or "")
    make = _maker_of_one(rule, target, mapping, header, key)
    if rule.when:
        return partial(_only_when, _matcher(rule.when, header), make, rule.default or "")
    return make


def _maker_of_one(
    rule: Rule, target: Column, mapping: FeedMapping, header: Mapping[str, int], key: int | None
) -> Make:
    if rule.value is not None:
        return partial(_constant, rule.value)
    if rule.months_before:
        assert mapping.as_of is not None  # the mapping was refused otherwise
        return partial(_months_before, header[rule.months_before], mapping.as_of)
    if rule.days_within:
        assert mapping.as_of is not None
        return partial(_days_after, key, mapping.source, mapping.as_of, rule.days_within)
    steps: list[Callable[[str], str]] = []
    if rule.values:
        steps.append(partial(_translated, rule.values))
    if rule.date_format:
        steps.append(partial(_parsed, rule.date_format, target.kind))
    if rule.unit:
        steps.append(partial(in_smallest_unit, unit=rule.unit, decimal=mapping.decimal))
    return partial(_converted, header[rule.column], tuple(steps), rule.default or "")


def _constant(value: str, _record: list[str]) -> str:
    return value


def _converted(
    position: int, steps: tuple[Callable[[str], str], ...], default: str, record: list[str]
) -> str:
    cell = record[position].strip()
    if not cell:
        return default
    for step in steps:
        cell = step(cell)
    return cell


def _matcher(
    when: Mapping[str, tuple[str, ...]], header: Mapping[str, int]
) -> Callable[[list[str]], bool]:
    conditions = [(header[column], frozenset(values)) for column, values in when.items()]
    return lambda record: all(record[at].strip() in values for at, values in conditions)


def _only_when(
    matches: Callable[[list[str]], bool], make: Make, default: str, record: list[str]
) -> str:
    return make(record) if matches(record) else default


def _choose(
    choices: list[tuple[Callable[[list[str]], bool], Make]], default: str, record: list[str]
) -> str:
    for matches, make in choices:
        if matches(record):
            return make(record)
    return default


def _translated(values: Mapping[str, str], cell: str) -> str:
    try:
        return values[cell]
    except KeyError:
        raise CellFault("not_in_map") from None


def _parsed(form: str, kind: Kind, cell: str) -> str:
    try:
        moment = datetime.strptime(cell, form)
    except ValueError:
        raise CellFault("not_a_moment" if kind == Kind.MOMENT else "not_a_date") from None
    return moment.isoformat() if kind == Kind.MOMENT else moment.date().isoformat()


def in_smallest_unit(cell: str, *, unit: str, decimal: str = ".") -> str:
    """
    Return an amount in its smallest unit, exactly: 29.85 yuan → 2985. Never by way of a float.

    :raises CellFault: for no number, or parts of a fen.
    """
    plain = cell.replace(",", "") if decimal == "." else cell.replace(".", "").replace(",", ".")
    if not _DECIMAL.fullmatch(plain):
        raise CellFault("not_a_number")
    amount = Decimal(plain) * UNITS[unit]
    whole = amount.to_integral_value(ROUND_HALF_UP)
    if amount != whole and unit in ("fen", "yuan"):
        raise CellFault("not_exact")
    return str(int(whole))


def months_before(day: date, months: int) -> date:
    """Return the same day so many months earlier, or the last of that month if it has none."""
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    end = (date(year + month // 11, (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, end))


def _months_before(position: int, as_of: date, record: list[str]) -> str:
    cell = record[position].strip()
    if not cell:
        return ""
    if not re.fullmatch(r"[0-9]{1,4}", cell, re.ASCII) or int(cell) > 1200:
        raise CellFault("not_a_whole_number")
    return months_before(as_of, int(cell)).isoformat()


def _days_after(key: int | None, source: str, as_of: date, days: int, record: list[str]) -> str:
    own = record[key] if key is not None else "\t".join(record)
    digest = hashlib.blake2b(f"{source}|{own.strip()}".encode("utf-8", "replace"), digest_size=8)
    return (as_of + timedelta(days=1 + int.from_bytes(digest.digest()) % days)).isoformat()
