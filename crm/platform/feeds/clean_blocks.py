"""
The fast way for clean text: one regular expression recognises a whole block of rows that can
go to the database as they stand, some ten times faster than row by row.

It knows files whose columns are the feed's own, one to one, in spellings the database reads
itself. Whatever else a block contains sends that block, and no other, the slow way.
"""

import re

from crm.platform.feeds.columns import Column, Kind
from crm.platform.feeds.plan import Plan

_YEAR = "(?:19|20)[0-9]{2}"
_DAY = (
    rf"{_YEAR}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)"
    r"|(?:0[13578]|1[02])-31)"
)
_MONTH = rf"{_YEAR}-(?:0[1-9]|1[0-2])(?:-01)?"
_UNKNOWN = "(?!)"


class CleanBlocks:
    """Recognises the clean blocks of one file and turns them into lines of COPY."""

    def __init__(self, plan: Plan) -> None:
        self._delimiter = plan.delimiter
        simple = not (plan.makers() or plan.characteristics or plan.derive())
        in_order = plan.picks() == list(range(len(plan.header)))
        usable = simple and in_order and not plan.survey.control and not plan.is_a_rejects_file
        self._rows = re.compile(f"(?:{self._row(plan)}\n)++") if usable else None

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
        return f"(?:{body})" if filled else f"(?:{body})?+"

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
        return column.body if column.kind in (Kind.INTEGER, Kind.MOMENT) else _UNKNOWN

    def lines(self, text: str, row: int) -> list[str] | None:
        """Return the block's lines, numbered from `row`; None if it has to go the slow way."""
        if self._rows is None or not self._rows.fullmatch(text + "\n"):
            return None
        if self._delimiter != "\t":
            text = text.replace(self._delimiter, "\t")
        return [f"{n}\t{line}\n" for n, line in enumerate(text.split("\n"), start=row)]
