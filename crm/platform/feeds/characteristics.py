"""
Columns that no model of ours has a field for: typed, declared, and packed as JSON.

A column the mapping does not type is looked at whole, once, before the file is read: its type
is the narrowest that every filled cell fits, so no later row can prove it wrong.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson
from django.utils.translation import gettext as _

from crm.platform.feeds.columns import read_date
from crm.platform.feeds.definition import Characteristic, FeedRefused
from crm.platform.feeds.reasons import CellFault

if TYPE_CHECKING:
    from crm.platform.feeds.plan import Plan

_YES, _NO = {"yes", "true", "y", "是"}, {"no", "false", "n", "否"}
_INTEGER = re.compile(r"[+-]?[0-9]{1,15}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)
_LONGEST = 1000
Value = str | int | float | bool


def _text(cell: str) -> Value:
    if len(cell) > _LONGEST or "\x00" in cell or not cell.isprintable():
        raise CellFault("wrong_type", "TEXT")
    return cell


def _integer(cell: str) -> Value:
    if not _INTEGER.fullmatch(cell):
        raise CellFault("wrong_type", "INTEGER")
    return int(cell)


def _decimal(cell: str) -> Value:
    if not _DECIMAL.fullmatch(cell):
        raise CellFault("wrong_type", "DECIMAL")
    return float(cell)


def _boolean(cell: str) -> Value:
    folded = cell.casefold()
    if folded in _YES or folded == "1":
        return True
    if folded in _NO or folded == "0":
        return False
    raise CellFault("wrong_type", "BOOLEAN")


def _date(cell: str) -> Value:
    try:
        return read_date(cell).isoformat()
    except CellFault:
        raise CellFault("wrong_type", "DATE") from None


READERS: dict[str, Callable[[str], Value]] = {
    "TEXT": _text,
    "INTEGER": _integer,
    "DECIMAL": _decimal,
    "BOOLEAN": _boolean,
    "DATE": _date,
}
# From narrow to wide. 0 and 1 alone are numbers: only words make a yes-or-no column.
_GUESSES = ("BOOLEAN", "INTEGER", "DECIMAL", "DATE")


class CharacteristicCells:
    """Packs the characteristics of one entity of a record as a JSON object."""

    def __init__(self, which: list[Characteristic], header: Mapping[str, int]) -> None:
        self._columns = [
            (c.code, c.column, header[c.column], c.values, READERS[c.value_type]) for c in which
        ]
        self._seen: dict[tuple[str, str], Value] = {}

    def packed(self, record: list[str]) -> str:
        """
        Return the JSON; blank cells are left out.

        :raises CellFault: for a cell that is not of its declared type.
        """
        values: dict[str, Value] = {}
        for code, column, position, translated, read in self._columns:
            cell = record[position].strip()
            if cell:
                values[code] = self._value(code, column, cell, translated, read)
        return orjson.dumps(values).decode()

    def _value(
        self,
        code: str,
        column: str,
        cell: str,
        translated: Mapping[str, str],
        read: Callable[[str], Value],
    ) -> Value:
        known = self._seen.get((code, cell))
        if known is not None:
            return known
        try:
            value = read(translated.get(cell, cell) if translated else cell)
        except CellFault as fault:
            raise CellFault(fault.code, fault.detail, column=column) from None
        if len(self._seen) < 50_000:
            self._seen[code, cell] = value
        return value


def characteristics_of(plan: "Plan") -> tuple[Characteristic, ...]:
    """
    Return every characteristic the file carries, each with its type.

    :raises FeedRefused: where a type contradicts the one already declared.
    """
    mapping = plan.mapping
    which = list(mapping.characteristics)
    if mapping.rest != "ignore":
        codes = {(c.entity, c.code) for c in which}
        which += _rest(plan, codes)
    declared = plan.feed.declared_types(which)
    for c in which:
        before = declared.get(f"{c.entity}.{c.code}")
        if before and c.value_type and before != c.value_type:
            raise FeedRefused(
                _("characteristics.%(code)s: the mapping says %(said)s; declared is %(is_so)s.")
                % {"code": c.code, "said": c.value_type, "is_so": before},
                code="mapping_invalid",
            )
    which = [
        replace(c, value_type=c.value_type or declared.get(f"{c.entity}.{c.code}", ""))
        for c in which
    ]
    untyped = [c for c in which if not c.value_type]
    if untyped:
        guessed = _guess(plan, untyped)
        which = [replace(c, value_type=c.value_type or guessed[c.code]) for c in which]
    return tuple(which)


def _rest(plan: "Plan", taken: set[tuple[str, str]]) -> Iterator[Characteristic]:
    entity = plan.mapping.rest
    for column in plan.ignored:
        code = code_of(column)
        if (entity, code) in taken:
            code = f"{code[:56]}_{len(taken)}"
        taken.add((entity, code))
        yield Characteristic(entity=entity, code=code, column=column, value_type="", name=column)


def code_of(column: str) -> str:
    """Return a column's name as a code: "StreamingTV" → "streaming_tv"."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column)
    code = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")[:60]
    if not code:  # a name without a Latin letter
        code = hashlib.blake2b(column.encode(), digest_size=5).hexdigest()
    return code if code[:1].isalpha() else f"c_{code}"[:60]


def _guess(plan: "Plan", which: list[Characteristic]) -> dict[str, str]:
    """Read the whole file once and return the narrowest type each column's cells all fit."""
    positions = plan.positions
    open_guesses = {c.code: list(_GUESSES) for c in which}
    seen: dict[str, set[str]] = {c.code: set() for c in which}
    for block in plan.reader().blocks():
        for record in block:
            if len(record) != len(plan.header) or record == plan.header:
                continue
            for c in which:
                cell = record[positions[c.column]].strip()
                if not cell or cell in seen[c.code]:
                    continue
                if len(seen[c.code]) < 10_000:
                    seen[c.code].add(cell)
                _narrow(open_guesses[c.code], c.values.get(cell, cell))
    return {
        c.code: (open_guesses[c.code] or ["TEXT"])[0] if seen[c.code] else "TEXT" for c in which
    }


def _narrow(guesses: list[str], cell: str) -> None:
    for guess in list(guesses):
        try:
            READERS[guess](cell)
        except CellFault:
            guesses.remove(guess)
        else:
            if guess == "BOOLEAN" and cell in ("0", "1"):
                guesses.remove(guess)
