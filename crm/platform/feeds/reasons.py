"""
Why a row is rejected: stable codes and their sentences.

A finding is a column, a code and a detail. The sentence is made from them when it is read, in
the reader's language; values of personal columns reach it masked.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_SENTENCES: dict[str, str | Promise] = {
    # the row as a whole
    "cell_count": _("The row has %(detail)s cells, which is not what the header has."),
    "row_too_long": _("The row is longer than 1 MB."),
    "quote_not_closed": _("A quoted cell begins here and is never closed."),
    "bad_quote": _("A quotation mark stands in the middle of a cell."),
    "stray_return": _("A carriage return stands inside an unquoted cell."),
    "too_many_copies": _("The file repeats this key too many times."),
    # one cell
    "nul": _("“%(column)s” contains a NUL character."),
    "not_in_encoding": _("“%(column)s” contains bytes that are not text in the file's encoding."),
    "blank": _("“%(column)s” must not be blank."),
    "one_of_blank": _("One of %(detail)s must be filled."),
    "too_long": _("“%(column)s” is longer than %(detail)s characters."),
    "has_blanks": _("“%(column)s” must be one word, without blanks: “%(value)s”."),
    "not_a_whole_number": _("“%(column)s” must be a whole number, not “%(value)s”."),
    "not_a_number": _("“%(column)s” must be a number, not “%(value)s”."),
    "below_least": _("“%(column)s” must be %(detail)s or more, not “%(value)s”."),
    "above_most": _("“%(column)s” must be %(detail)s or less, not “%(value)s”."),
    "not_exact": _("“%(column)s” has more decimals than the smallest coin: “%(value)s”."),
    "not_a_date": _("“%(column)s” is no day of the calendar: “%(value)s”."),
    "not_a_month": _("“%(column)s” is no month (YYYY-MM): “%(value)s”."),
    "not_a_moment": _("“%(column)s” is no date and time: “%(value)s”."),
    "not_yes_or_no": _("“%(column)s” must be yes or no, not “%(value)s”."),
    "not_a_choice": _("“%(column)s” must be one of %(detail)s, not “%(value)s”."),
    "not_in_map": _("The mapping does not say what “%(value)s” in “%(column)s” means."),
    "wrong_type": _("“%(column)s” is declared as %(detail)s; “%(value)s” is not."),
    "not_items": _("“%(column)s” must be amounts by name (a=100;b=250 or JSON): “%(value)s”."),
    # the row against what is known
    "older_than_known": _("Something newer is known already (as of %(detail)s)."),
    "too_late": _("The month lies more than %(detail)s months before the latest one loaded."),
    "in_the_future": _("“%(column)s” lies in the future: “%(value)s”."),
    "too_long_ago": _("“%(column)s” lies before the year 2000: “%(value)s”."),
}


def add_reasons(sentences: dict[str, str | Promise]) -> None:
    """
    Add the sentences of an app's own reasons.

    :raises ValueError: for a code that is taken by another sentence.
    """
    for code, sentence in sentences.items():
        if _SENTENCES.setdefault(code, sentence) is not sentence:
            raise ValueError(f"The reason {code!r} is taken")


@dataclass(frozen=True)
class Finding:
    """One thing wrong with one row; `column` is "" for the row as a whole."""

    column: str
    code: str
    detail: str = ""

    def sentence(self, value: str = "") -> str:
        """Return the sentence in the active language; `value` is the cell, masked if need be."""
        template = _SENTENCES.get(self.code)
        if template is None:
            return self.detail or self.code
        shown = value if len(value) <= 60 else f"{value[:60]}…"
        return str(template) % {"column": self.column, "value": shown, "detail": self.detail}

    def packed(self) -> str:
        """Return the form in which staging holds it: column|code|detail."""
        return f"{self.column}|{self.code}|{self.detail}"

    @classmethod
    def unpack(cls, packed: str) -> "Finding":
        column, code, detail = packed.split("|", 2)
        return cls(column, code, detail)


class CellFault(Exception):
    """A cell cannot be what its column says."""

    def __init__(self, code: str, detail: str = "", *, column: str = "") -> None:
        super().__init__(code)
        self.code, self.detail, self.column = code, detail, column
