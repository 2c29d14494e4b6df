"""
A file as records, in blocks, with flat memory.

A block without quotation marks is cut into records by the csv module at once. Where a block
has them, a record that goes wrong (a quote never closed, a quote inside a cell, a row longer
than a megabyte) is handed on as a BrokenRow and reading goes on at the next line: one poisoned
record never takes its neighbours along.
"""

import codecs
import csv
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from crm.platform.feeds.survey import BLOCK, LONGEST_ROW, Cut, Survey

_KEPT_OF_A_BROKEN_ROW = 1000

csv.field_size_limit(LONGEST_ROW)


class BrokenRow(list[str]):
    """A record that could not be cut into cells: why, and how it began."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__()
        self.code = code
        self.text = text[:_KEPT_OF_A_BROKEN_ROW]


class RecordReader:
    """
    The records of a surveyed file, header included, trailer left out. Blank lines are empty
    records: whoever counts rows the way a spreadsheet does needs them.
    """

    def __init__(self, survey: Survey, *, delimiter: str, quote: str) -> None:
        self._survey = survey
        self._quote = quote
        self._dialect = Cut(delimiter, quote)

    def blocks(self) -> Iterator[list[list[str]]]:
        """Yield the records in blocks of about a megabyte of text."""
        for block in self.texts():
            yield self.plain(block) if isinstance(block, str) else block

    def texts(self) -> Iterator[str | list[list[str]]]:
        """Yield blocks as they stand where each line is a record, cut into records otherwise."""
        open_record: list[str] = []
        with self._survey.opened() as source:
            for piece in self._pieces(source):
                if isinstance(piece, BrokenRow):
                    yield [*self._closed(open_record), piece]
                    open_record = []
                    continue
                spanning = bool(open_record)
                if not spanning and not (self._quote and self._quote in piece):
                    yield piece
                    continue
                records, open_record = self._quoted(open_record + piece.split("\n"))
                yield records
        yield self._closed(open_record)

    def plain(self, text: str) -> list[list[str]]:
        """Cut text of which each line is one record."""
        lines = text.split("\n")
        try:
            if max(map(len, lines)) <= LONGEST_ROW:
                return list(csv.reader(lines, self._dialect))
        except csv.Error:
            pass
        return [self._one(line) for line in lines]

    def _one(self, line: str) -> list[str]:
        if len(line) > LONGEST_ROW:
            return BrokenRow("row_too_long", line)
        try:
            return next(csv.reader([line], self._dialect), [])
        except csv.Error:
            return BrokenRow("stray_return", line)

    def _quoted(self, lines: list[str]) -> tuple[list[list[str]], list[str]]:
        """
        Cut lines of which some have quotation marks.

        Returns the records and the lines of a last one that goes on in the next block.
        """
        records: list[list[str]] = []
        start = 0
        while start < len(lines):
            ended = (f"{line}\n" for line in islice(lines, start, None))
            reader = csv.reader(ended, self._dialect)
            taken = 0
            try:
                for record in reader:
                    records.append(record)
                    taken = reader.line_num
                return records, []
            except csv.Error as error:
                seen = start + reader.line_num
                start += taken
                spoiled = sum(map(len, lines[start:seen]))
                if "unexpected end" in str(error) and spoiled <= LONGEST_ROW:
                    return records, lines[start:]
                records.append(BrokenRow(_fault(error, seen - start), lines[start]))
                start += 1
        return records, []

    def _closed(self, open_record: list[str]) -> list[list[str]]:
        """The file has ended inside a quoted cell: its first line is broken, the rest is read."""
        records: list[list[str]] = []
        while open_record:
            records.append(BrokenRow("quote_not_closed", open_record[0]))
            more, open_record = self._quoted(open_record[1:])
            records += more
        return records

    def _pieces(self, source: BinaryIO) -> Iterator[str | BrokenRow]:
        """Yield the text cut at line ends; the last piece without its trailer and last line end."""
        held: str | None = None
        for piece in self._texts(source):
            if held is not None:
                yield held
                held = None
            if isinstance(piece, BrokenRow):
                yield piece
            else:
                held = piece
        if held is not None:
            held = held.rstrip("\n")
            if self._survey.trailer:
                held = held.removesuffix(self._survey.trailer).removesuffix("\n")
            yield held

    def _texts(self, source: BinaryIO) -> Iterator[str | BrokenRow]:
        decoder = codecs.getincrementaldecoder(self._survey.encoding)("surrogateescape")
        pending, first, skipping = "", True, False
        while True:
            block = source.read(BLOCK)
            text = decoder.decode(block, final=not block)
            if first:
                text, first = text.removeprefix("\ufeff"), False
            if self._survey.carriage_returns_only:
                text = text.replace("\r", "\n")
            if skipping:
                _lost, newline, text = text.partition("\n")
                skipping = not newline and bool(block)
            pending += text
            if "\r" in pending:
                ends_in_return = pending.endswith("\r") and bool(block)
                pending = pending.replace("\r\n", "\n")
                if not ends_in_return:
                    pending = pending.removesuffix("\r")
            cut = pending.rfind("\n")
            if cut >= 0:
                yield pending[:cut]
                pending = pending[cut + 1 :]
            if len(pending) > LONGEST_ROW:
                yield BrokenRow("row_too_long", pending)
                pending, skipping = "", True
            if not block:
                break
        if pending:
            yield pending


def _fault(error: csv.Error, lines: int) -> str:
    if "field limit" in str(error):
        return "quote_not_closed" if lines > 1 else "row_too_long"
    if "new-line" in str(error):
        return "stray_return"
    return "quote_not_closed" if lines > 1 or "unexpected end" in str(error) else "bad_quote"
