"""CSV for people: opens in Excel as UTF-8, and no cell of it can run as a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

_RISKY = ("=", "+", "-", "@", "\t", "\r", "\x00")


def csv_of(rows: Iterable[Sequence[object]]) -> str:
    """
    Return the rows as CSV with a byte order mark; None is empty. A text that a spreadsheet
    would take for a formula gets an apostrophe in front; numbers stay numbers.
    """
    text = io.StringIO()
    text.write("\ufeff")
    csv.writer(text).writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


def _harmless(cell: object) -> object:
    if isinstance(cell, str) and cell.startswith(_RISKY):
        return f"'{cell}"
    return cell
