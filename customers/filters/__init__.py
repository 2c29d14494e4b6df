"""
Conditions over customers, lines and accounts: declared fields, checked values, one way to SQL.

Lists, exports, bulk changes and segments ask through this face. A condition is a `Condition`,
kept as JSON (`to_json`, `from_json`) or in an address (`from_query`).
"""

from collections.abc import Sequence
from datetime import date

from customers.filters.catalogue import CHARACTERISTIC, fields_of
from customers.filters.compiling import Compiled, compiled
from customers.filters.conditions import BadFilter, Condition, from_json, from_query
from customers.filters.fields import Field, Kind, Operator
from customers.filters.sentences import names_of_units, sentence
from customers.models import ListKind

__all__ = [
    "CHARACTERISTIC",
    "BadFilter",
    "Compiled",
    "Condition",
    "Field",
    "Kind",
    "Operator",
    "compile_conditions",
    "compiled",
    "fields_of",
    "from_json",
    "from_query",
    "names_of_units",
    "sentence",
]


def compile_conditions(kind: ListKind, conditions: Sequence[Condition], *, today: date) -> Compiled:
    """
    Return the conditions, joined with AND, as SQL over the table of `kind` and its parameters.

    What it returns says nothing of who may see the rows: add `visible_to`.

    :raises BadFilter: with every refusal, where a field, an operator or a value cannot be.
    """
    fields = fields_of(kind)
    return compiled(from_json([c.to_json() for c in conditions], fields), fields, today=today)
