"""
The columns of a feed: what a cell may look like, and how it becomes a value of the database.

Every column has two ways in. `pattern` recognises a cell that can go to the database as it
stands; one regular expression made of all patterns passes a whole row in a microsecond.
`read` is for the rest: it turns any accepted spelling into the plain one, or says what is wrong.
"""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

import orjson
from django.utils import timezone
from django.utils.functional import Promise

from crm.platform.access.masking import FieldClass
from crm.platform.feeds.reasons import CellFault

BIGGEST = 2**63 - 1
# After a repeated group: never try it again with less. Four times as fast, and for patterns
# without ambiguity the same; Pythons before 3.11.5 match it wrongly (gh-106052), Debian 12's too.
ATOMIC = "+" if sys.version_info >= (3, 11, 5) else ""
# Not in COPY's text format as they stand, or no text at all (surrogates are undecodable bytes).
_PLAIN = r"[^\t\n\r\\\x00\ud800-\udfff]"
_YES = {"true", "yes", "y", "1", "是", "t"}
_NO = {"false", "no", "n", "0", "否", "f"}
_NUMBER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_EIGHT_DIGITS = re.compile(r"[0-9]{8}", re.ASCII)
_FOURTEEN_DIGITS = re.compile(r"[0-9]{14}", re.ASCII)
# Amounts by name that the database itself turns into JSON: a=1;b=2 or {"a": 1, "b": 2}.
_NAME = r"[^\s=;,|:{}\"\\\x00-\x1f\ud800-\udfff]{1,60}+"
_FEN = r"(?:0|-?[1-9][0-9]{0,17}+)"
LISTED_ITEMS = rf"{_NAME}={_FEN}(?:;{_NAME}={_FEN})*{ATOMIC}"
JSON_ITEMS = rf'\{{"{_NAME}": ?{_FEN}(?:, ?"{_NAME}": ?{_FEN})*{ATOMIC}\}}'
_SIX_DIGITS = re.compile(r"[0-9]{4}-?[0-9]{2}", re.ASCII)


class Kind(StrEnum):
    """What a column holds, and the type of the database it is staged as."""

    CODE = "text"
    TEXT = "varchar"
    INTEGER = "bigint"
    DATE = "date"
    MONTH = "month"
    MOMENT = "timestamptz"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    ITEMS = "jsonb"


_STAGED_AS = {Kind.MONTH: "date", Kind.CHOICE: "text", Kind.TEXT: "text"}


@dataclass(frozen=True, kw_only=True)
class Column:
    """
    One column of a feed.

    `required`: the file has it and every row fills it. Whole numbers lie between `least` and
    `most`; money is whole fen. `personal` is how it is masked where it is shown. A file without
    a mapping may call it by one of its `aliases`.
    """

    name: str
    kind: Kind
    meaning: str | Promise
    aliases: tuple[str, ...] = ()
    required: bool = False
    length: int = 200
    least: int = 0
    most: int = BIGGEST
    choices: tuple[str, ...] = ()
    personal: FieldClass | None = None

    @property
    def staged_as(self) -> str:
        """The column's type in the staging table."""
        return _STAGED_AS.get(self.kind, self.kind.value) + (
            ' COLLATE "C"' if self.kind in (Kind.CODE, Kind.TEXT, Kind.CHOICE) else ""
        )

    @property
    def few_values(self) -> bool:
        """Whether a file repeats few different cells, so that remembering them pays."""
        return self.kind in (Kind.DATE, Kind.MONTH, Kind.BOOLEAN, Kind.CHOICE)

    @property
    def pattern(self) -> str:
        """The regular expression of a cell that needs no reading."""
        return f"(?:{self.body})" if self.required else f"(?:{self.body})?"

    @property
    def body(self) -> str:
        """The regular expression of a filled cell that needs no reading."""
        if self.kind == Kind.CODE:
            return rf"[^\s\\\x00\ud800-\udfff]{{1,{self.length}}}"
        if self.kind == Kind.TEXT:
            return rf"(?![ \u3000]){_PLAIN}{{1,{self.length}}}(?<![ \u3000])"
        if self.kind == Kind.INTEGER:
            return self._digits()
        if self.kind == Kind.ITEMS:
            return f"(?:{LISTED_ITEMS}|{JSON_ITEMS})"
        if self.kind == Kind.MOMENT:
            return (
                r"(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])[ T]"
                r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
                r"(?:Z|[+-](?:0[0-9]|1[0-3]):?[0-5][0-9])?"
            )
        return rf"{_PLAIN}+"  # remembered: whatever `read` returned is plain

    def _digits(self) -> str:
        """Numbers that are surely within bounds: of fewer digits than the largest."""
        if self.least >= 0 and self.most < 10:
            return f"[{self.least}-{self.most}]"
        if self.least > 1:
            return "(?!)"
        fewer = min(len(str(self.most)) - 1, 18)
        if self.least == 1:
            return f"[1-9][0-9]{{0,{fewer - 1}}}"
        return f"{'-?' if self.least < 0 else ''}[0-9]{{1,{fewer}}}"

    def read(self, cell: str) -> str:
        """
        Return the cell in its plain spelling; blank cells stay blank.

        :raises CellFault: where it is not what the column holds.
        """
        cell = cell.strip()
        if not cell:
            if self.required:
                raise CellFault("blank")
            return ""
        if "\x00" in cell:
            raise CellFault("nul")
        if any("\ud800" <= character <= "\udfff" for character in cell):
            raise CellFault("not_in_encoding")
        return _READERS[self.kind](self, cell)


def _code(column: Column, cell: str) -> str:
    if any(character.isspace() for character in cell):
        raise CellFault("has_blanks")
    return _text(column, cell)


def _text(column: Column, cell: str) -> str:
    if len(cell) > column.length:
        raise CellFault("too_long", str(column.length))
    return cell


def _integer(column: Column, cell: str) -> str:
    if not _NUMBER.fullmatch(cell) or len(cell) > 25:
        raise CellFault("not_a_whole_number")
    number = int(cell)
    if number < column.least:
        raise CellFault("below_least", str(column.least))
    if number > column.most:
        raise CellFault("above_most", str(column.most))
    return str(number)


def read_date(cell: str) -> date:
    """
    Return the day of YYYY-MM-DD, YYYY/M/D or YYYYMMDD.

    :raises CellFault: if that is no day of the calendar.
    """
    try:
        if _EIGHT_DIGITS.fullmatch(cell):
            return date(int(cell[:4]), int(cell[4:6]), int(cell[6:]))
        year, month, day = cell.replace("/", "-").split("-")
        return date(int(year), int(month), int(day))
    except ValueError:
        raise CellFault("not_a_date") from None


def _date(_column: Column, cell: str) -> str:
    return read_date(cell).isoformat()


def _month(_column: Column, cell: str) -> str:
    if _SIX_DIGITS.fullmatch(cell):
        cell = f"{cell[:4]}-{cell[-2:]}-01"
    try:
        return read_date(cell).replace(day=1).isoformat()
    except CellFault:
        raise CellFault("not_a_month") from None


def _moment(_column: Column, cell: str) -> str:
    """A time without an offset is the operator's; so is the fourteen-digit form of interfaces."""
    try:
        if _FOURTEEN_DIGITS.fullmatch(cell):
            moment = datetime.strptime(cell, "%Y%m%d%H%M%S")
        else:
            moment = datetime.fromisoformat(cell.replace("/", "-"))
        if moment.tzinfo is None:
            moment = timezone.make_aware(moment, timezone.get_default_timezone())
        return moment.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        raise CellFault("not_a_moment") from None


def _boolean(_column: Column, cell: str) -> str:
    folded = cell.casefold()
    if folded in _YES:
        return "true"
    if folded in _NO:
        return "false"
    raise CellFault("not_yes_or_no")


def _choice(column: Column, cell: str) -> str:
    if cell in column.choices:
        return cell
    if (folded := cell.upper().replace(" ", "_").replace("-", "_")) in column.choices:
        return folded
    raise CellFault("not_a_choice", ", ".join(column.choices))


def _items(_column: Column, cell: str) -> str:
    """Amounts by name, as a JSON object or as name=fen;name=fen; returned as the former."""
    try:
        if cell.startswith("{"):
            items = orjson.loads(cell)
        else:
            pairs = (pair.rpartition("=") for pair in cell.strip(";").split(";"))
            items = {name.strip(): int(fen) for name, _equals, fen in pairs}
    except ValueError:
        raise CellFault("not_items") from None
    if not all(type(fen) is int and abs(fen) <= BIGGEST for fen in items.values()):
        raise CellFault("not_items")
    if not all(name and "\x00" not in name for name in items):
        raise CellFault("not_items")
    return orjson.dumps(items).decode()


_READERS: dict[Kind, Callable[[Column, str], str]] = {
    Kind.CODE: _code,
    Kind.TEXT: _text,
    Kind.INTEGER: _integer,
    Kind.DATE: _date,
    Kind.MONTH: _month,
    Kind.MOMENT: _moment,
    Kind.BOOLEAN: _boolean,
    Kind.CHOICE: _choice,
    Kind.ITEMS: _items,
}


class Remembered(dict[str, str]):
    """The plain spelling of every cell seen so far in a column of few different values."""

    LIMIT = 100_000

    def __init__(self, column: Column) -> None:
        super().__init__()
        self._column = column

    def __missing__(self, cell: str) -> str:
        if len(self) >= self.LIMIT:
            self.clear()
        plain = self[cell] = self._column.read(cell)
        return plain


def within_years(day: date) -> bool:
    """Whether a day is one that a partition may be made for."""
    return date(2000, 1, 1) <= day <= timezone.localdate() + timedelta(days=400)
