"""
A mapping: how the columns of somebody's file become the columns of a feed. It is the
operator's data, written in TOML; its grammar is in docs/feeds.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from crm.platform.feeds.definition import Characteristic

VALUE_TYPES = ("TEXT", "INTEGER", "DECIMAL", "BOOLEAN", "DATE")
UNITS = {"fen": 1, "yuan": 100, "seconds": 1, "minutes": 60, "kb": 1, "mb": 1024, "gb": 1024**2}
"""How many of the smallest unit; money comes out even or is refused, measures are rounded."""


@dataclass(frozen=True)
class Rule:
    """How one target column is made of the file's columns."""

    column: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    default: str | None = None
    unit: str = ""
    date_format: str = ""
    months_before: str = ""
    days_within: int = 0
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    choose: tuple["Rule", ...] = ()
    value: str | None = None

    @property
    def is_a_plain_column(self) -> bool:
        return self == Rule(column=self.column)

    def columns(self) -> Iterator[str]:
        """Return every column of the file that the rule reads."""
        yield from filter(None, (self.column, self.months_before, *self.when))
        for choice in self.choose:
            yield from choice.columns()


@dataclass(frozen=True)
class FeedMapping:
    """A mapping as read. Without one, a file's columns bear the feed's own names."""

    feed: str
    source: str = "feed"
    as_of: date | None = None
    late_months: int | None = None
    rest: str = "ignore"
    exclude: frozenset[str] = frozenset()
    delimiter: str = ""
    encoding: str = ""
    decimal: str = "."
    quote: str | None = None
    rules: Mapping[str, Rule] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    characteristics: tuple[Characteristic, ...] = ()
    text: str = ""

    def columns_read(self) -> set[str]:
        """Return the file's columns that the mapping names anywhere."""
        read = {column for rule in self.rules.values() for column in rule.columns()}
        return read | {c.column for c in self.characteristics} | self.exclude
