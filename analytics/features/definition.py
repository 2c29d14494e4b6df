"""What a feature is: its code, its words, its unit, and the SQL that reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    NUMBER = "number"
    CATEGORY = "category"
    FLAG = "flag"


class Unit(StrEnum):
    """What a number counts, so that a page can write it: see `analytics.reasons`."""

    NONE = "none"
    FEN = "fen"
    MONTHS = "months"
    DAYS = "days"
    TIMES = "times"
    MINUTES = "minutes"
    GIGABYTES = "gigabytes"
    CHANGE = "change"  # 0.4: forty per cent more than before


@dataclass(frozen=True, kw_only=True)
class Feature:
    """
    One column of the feature table.

    `sql` is an expression over the aliases of `analytics.features.sql`, of which those in
    `blocks` are joined on demand; null means not known. `raising` and `lowering` are the
    sentences, with {value}, that explain it where it pushes towards leaving or towards
    staying; without one the page writes "name: value".
    """

    code: str
    name: Any
    sql: str
    kind: Kind = Kind.NUMBER
    unit: Unit = Unit.NONE
    blocks: tuple[str, ...] = ()
    raising: Any = ""
    lowering: Any = ""
    labels: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_category(self) -> bool:
        return self.kind == Kind.CATEGORY
