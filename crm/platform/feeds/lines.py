"""
Records become lines of COPY, checked cell by cell: the hot loop of every feed.

One regular expression decides for a whole row whether it can be staged as it stands. Only a
row that it does not know is read cell by cell, and then every fault in it is found at once.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from operator import itemgetter

from crm.platform.feeds.columns import Remembered
from crm.platform.feeds.plan import Plan
from crm.platform.feeds.reading import BrokenRow
from crm.platform.feeds.reasons import CellFault, Finding


@dataclass
class RejectedRow:
    """A row that did not even reach staging."""

    row: int
    findings: list[Finding]
    raw: list[str]


@dataclass
class Lines:
    """What a block of records became."""

    lines: list[str] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)
    rejected_total: int = 0


class LineMaker:
    """Turns the records of a planned file into lines of COPY's text format, blank as NULL."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._width = len(plan.header)
        self._targets = plan.targets
        self._names = [plan.column_of(column.name) for column in plan.targets]
        self._pick = _picker(plan.picks())
        self._made = plan.makers()
        self._remembered = [
            (index, Remembered(column))
            for index, column in enumerate(plan.targets)
            if column.few_values
        ]
        self._fits = re.compile("\t".join(c.pattern for c in plan.targets)).fullmatch
        self._packs = [cells.packed for cells in plan.characteristic_cells()]
        self._derive = plan.derive()
        positions = {column.name: index for index, column in enumerate(plan.targets)}
        self._one_of = [
            [positions[name] for name in group if name in positions] for group in plan.feed.one_of
        ]
        self._restore = plan.is_a_rejects_file
        self._amount = positions.get(plan.feed.amount)

    def make(self, records: list[list[str]], row: int) -> Lines:
        """Turn a block of records into lines; `row` is the number of the first record."""
        made = Lines()
        keep, plain = made.lines.append, not (self._packs or self._derive)
        for number, record in enumerate(records, start=row):
            if len(record) == self._width and not self._restore:
                try:
                    cells = self._cells(record)
                except CellFault:
                    pass
                else:
                    line = "\t".join(cells)
                    if self._fits(line) and self._is_filled(cells):
                        if plain:
                            keep(f"{number}\t{line}\n")
                        else:
                            self._with_extra(number, record, line, cells, made)
                        continue
            self._slowly(number, record, made)
        return made

    def _cells(self, record: list[str]) -> list[str]:
        cells = list(self._pick(record))
        for index, make in self._made:
            cells[index] = make(record)
        for index, remembered in self._remembered:
            cells[index] = remembered[cells[index]]
        return cells

    def _is_filled(self, cells: list[str]) -> bool:
        return all(any(cells[index] for index in group) for group in self._one_of)

    def _with_extra(
        self, number: int, record: list[str], line: str, cells: list[str], made: Lines
    ) -> None:
        findings: list[Finding] = []
        extra = self._extra(record, cells, findings)
        if findings:
            self._reject(number, record, cells, findings, made)
        else:
            made.lines.append("\t".join([str(number), line, *extra]) + "\n")

    def _slowly(self, number: int, record: list[str], made: Lines) -> None:
        if isinstance(record, BrokenRow):
            made.rejected.append(RejectedRow(number, [Finding("", record.code)], [record.text]))
            return
        if not record:
            return  # a blank line
        if len(record) != self._width:
            counts = f"{len(record)}/{self._width}"
            made.rejected.append(RejectedRow(number, [Finding("", "cell_count", counts)], record))
            return
        if self._restore:
            record = [_unquoted(cell) for cell in record]
        findings: list[Finding] = []
        cells = self._read(record, findings)
        if findings:
            self._reject(number, record, cells, findings, made)
        else:
            self._with_extra(number, record, "\t".join(map(escaped, cells)), cells, made)

    def _reject(
        self,
        number: int,
        record: list[str],
        cells: list[str],
        findings: list[Finding],
        made: Lines,
    ) -> None:
        made.rejected.append(RejectedRow(number, findings, record))
        if self._amount is not None:
            made.rejected_total += int(cells[self._amount] or 0)

    def _read(self, record: list[str], findings: list[Finding]) -> list[str]:
        """Read every cell by itself, noting everything that is wrong with it."""
        cells = list(self._pick(record))
        made = dict(self._made)
        for index, column in enumerate(self._targets):
            try:
                cell = made[index](record) if index in made else cells[index]
                cells[index] = column.read(cell)
            except CellFault as fault:
                cells[index] = ""
                findings.append(Finding(self._names[index], fault.code, fault.detail))
        for group, names in zip(self._one_of, self._plan.feed.one_of, strict=True):
            if not findings and not any(cells[index] for index in group):
                findings.append(Finding("", "one_of_blank", ", ".join(names)))
        return cells

    def _extra(self, record: list[str], cells: list[str], findings: list[Finding]) -> list[str]:
        """Compute what the file does not state itself: packed JSON, keys, encrypted numbers."""
        extra: list[str] = []
        for pack in self._packs:
            try:
                extra.append(escaped(pack(record)))
            except CellFault as fault:
                findings.append(Finding(fault.column, fault.code, fault.detail))
        if self._derive is not None:
            try:
                extra += map(escaped, self._derive(cells))
            except CellFault as fault:
                column = self._plan.column_of(fault.column)
                findings.append(Finding(column, fault.code, fault.detail))
        return extra


def _picker(positions: list[int]) -> Callable[[list[str]], Iterable[str]]:
    if len(positions) == 1:  # itemgetter of one gives the item itself
        only = positions[0]
        return lambda record: (record[only],)
    pick: Callable[[list[str]], Iterable[str]] = itemgetter(*positions)
    return pick


def _unquoted(cell: str) -> str:
    """Take away the apostrophe that keeps a spreadsheet from running the cell."""
    return cell[1:] if len(cell) > 1 and cell[0] == "'" and cell[1] in "=+-@\t\r" else cell


def escaped(cell: str) -> str:
    """Return a cell as COPY's text format wants it."""
    if "\\" not in cell and cell.isprintable():
        return cell
    for plain, escaped in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        cell = cell.replace(plain, escaped)
    return cell
