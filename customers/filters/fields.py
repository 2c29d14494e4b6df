"""
What a filter can ask about: a field, how it is called, of what kind, and where its value lies.

A field's SQL speaks of nothing but its own list's table ("customers_customer", …); whatever lies
elsewhere is reached by a subquery (`within`), so a compiled condition fits into any query of
that table: a list, a count, a segment.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.platform.access.masking import FieldClass


class Kind(StrEnum):
    """What values a field has, which decides how it is asked and shown."""

    TEXT = "TEXT"
    CHOICE = "CHOICE"
    INTEGER = "INTEGER"
    DECIMAL = "DECIMAL"
    MONEY = "MONEY"
    DATE = "DATE"
    BOOLEAN = "BOOLEAN"
    UNIT = "UNIT"
    STAFF = "STAFF"


class Operator(TextChoices):
    """How a condition compares. The values stand in addresses and in saved conditions."""

    IS = "is", _("is")
    NOT = "not", _("is not")
    IN = "in", _("is one of")
    BEGINS = "begins", _("begins with")
    BETWEEN = "between", _("is between")
    WITHIN = "within", _("is in, or below")
    EMPTY = "empty", _("is empty")


_ORDERED = (Operator.BETWEEN, Operator.IS, Operator.NOT, Operator.IN, Operator.EMPTY)
OPERATORS: dict[Kind, tuple[Operator, ...]] = {
    Kind.TEXT: (Operator.IS, Operator.NOT, Operator.IN, Operator.BEGINS, Operator.EMPTY),
    Kind.CHOICE: (Operator.IS, Operator.NOT, Operator.IN, Operator.EMPTY),
    Kind.INTEGER: _ORDERED,
    Kind.DECIMAL: _ORDERED,
    Kind.MONEY: _ORDERED,
    Kind.DATE: _ORDERED,
    Kind.BOOLEAN: (Operator.IS, Operator.EMPTY),
    Kind.UNIT: (Operator.WITHIN, Operator.IS, Operator.NOT, Operator.IN),
    Kind.STAFF: (Operator.IS, Operator.NOT, Operator.IN, Operator.EMPTY),
}

Choices = Sequence[tuple[str, Any]]


@dataclass(frozen=True)
class Field:
    """
    One thing to ask about or to show.

    `sql` with `params` is its value; `within`, if any, a condition around it with one `{}`.
    `path` is where the ORM finds the value to show ("" for what cannot be a column), `mask` how
    it is masked. `prefix_only` allows beginnings of at most that many characters and nothing
    else: enough for a surname or a range of numbers, too short for one person. Where `is_many`,
    one row may have several values, of which a condition asks for any. `days_are_texts` where
    a date lies in JSON, as "YYYY-MM-DD".
    """

    name: str
    label: str | Promise
    kind: Kind
    sql: str
    params: tuple[Any, ...] = ()
    within: str = ""
    path: str = ""
    mask: FieldClass | None = None
    choices: Choices = field(default=(), repr=False)
    prefix_only: int = 0
    is_many: bool = False
    days_are_texts: bool = False
    group: str | Promise = ""
    meaning: str | Promise = ""

    @cached_property
    def labels(self) -> dict[str, Any]:
        """What its values are called, as far as they are known."""
        return dict(self.choices)

    @property
    def operators(self) -> tuple[Operator, ...]:
        return (Operator.BEGINS,) if self.prefix_only else OPERATORS[self.kind]
