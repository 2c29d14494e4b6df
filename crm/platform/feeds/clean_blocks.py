"""
The fast way for clean text: one regular expression recognises whole runs of rows that can go
to the database as they stand, some ten times faster than row by row.

It knows files whose columns are the feed's own, one to one, in spellings the database reads
itself. A row that it does not know goes the slow way, and no other does.
"""

import re
from collections.abc import Iterator

from crm.platform.feeds.columns import ATOMIC, JSON_ITEMS, LISTED_ITEMS, Column, Kind
from crm.platform.feeds.plan import Plan

_YEAR = "(?:19|20)[0-9]{2}"
_DAY = (
    rf"{_YEAR}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)"
    r"|(?:0[13578]|1[02])-31)"
)
_MONTH = rf"{_YEAR}-(?:0[1-9]|1[0-2])(?:-01)?"
_UNKNOWN = "(?!)"
# Items that cannot be taken for two cells.
_ITEMS_BETWEEN = {
    ",": LISTED_ITEMS,
    "|": f"{LISTED_ITEMS}|{JSON_ITEMS}",
    "\t": f"{LISTED_ITEMS}|{JSON_ITEMS}",
}


class CleanBlocks:
    """Recognises the clean rows of one file and turns them into lines of COPY."""

    def __init__(self, plan: Plan) -> None:
        self._delimiter = plan.delimiter
        simple = not (plan.makers() or plan.characteristics or plan.derive())
        in_order = plan.picks() == list(range(len(plan.header)))
        usable = simple and in_order and not plan.is_a_rejects_file
        self._rows = re.compile(f"(?:{self._row(plan)}\n)+{ATOMIC}") if usable else None

    def _row(self, plan: Plan) -> str:
        stated = {column.name for column in plan.targets}
        needed = {column.name for column in plan.targets if column.required}
        for group in plan.feed.one_of:
            present = stated & set(group)
            if len(present) > 1 and not present & needed:
                return _UNKNOWN
            needed |= present
        cells = [self._cell(column, filled=column.name in needed) for column in plan.targets]
        return re.escape(self._delimiter).join(cells)

    def _cell(self, column: Column, *, filled: bool) -> str:
        body = self._body(column)
        return f"(?:{body})" if filled else f"(?:{body})?{ATOMIC}"

    def _body(self, column: Column) -> str:
        if column.kind in (Kind.CODE, Kind.TEXT):
            blank = r"\s" if column.kind == Kind.CODE else r"\t\n\r"
            one = rf"[^{blank}\\\x00\ud800-\udfff{re.escape(self._delimiter)}]"
            return rf"(?![ \u3000]){one}{{1,{column.length}}}+(?<![ \u3000])"
        if column.kind == Kind.DATE:
            return _DAY
        if column.kind == Kind.MONTH:
            return _MONTH
        if column.kind == Kind.BOOLEAN:
            return "true|false|yes|no|0|1"
        if column.kind == Kind.CHOICE:
            return "|".join(sorted(map(re.escape, column.choices), key=len, reverse=True))
        if column.kind == Kind.ITEMS:
            return _ITEMS_BETWEEN.get(self._delimiter, _UNKNOWN)
        return column.body if column.kind in (Kind.INTEGER, Kind.MOMENT) else _UNKNOWN

    def runs(self, text: str) -> Iterator[tuple[str, bool]]:
        """Cut text, of which each line is a row, into runs of clean rows (True) and of others."""
        if self._rows is None:
            yield text, False
            return
        text += "\n"
        start = at = 0
        while at < len(text):
            clean = self._rows.match(text, at)
            if clean is None:
                at = text.index("\n", at) + 1
                continue
            if start < at:
                yield text[start : at - 1], False
            start = at = clean.end()
            yield text[clean.start() : at - 1], True
        if start < at:
            yield text[start : at - 1], False

    def lines(self, text: str, row: int) -> list[str]:
        """Return the lines of a clean run, numbered from `row`."""
        if self._delimiter != "\t":
            text = text.replace(self._delimiter, "\t")
        return [f"{n}\t{line}\n" for n, line in enumerate(text.split("\n"), start=row)]
