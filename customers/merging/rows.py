"""Moving rows from one customer to another, and back: set-based, by index, written down."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from customers.merging.moves import Moves, all_moves
from customers.models import Customer, CustomerMerge

MOST_COUNTED = 10_000


@dataclass(frozen=True)
class Ends:
    """A merge and the ids of its two customers and parties."""

    merge_id: int
    survivor: int
    absorbed: int
    survivor_party: int
    absorbed_party: int

    @classmethod
    def of(cls, merge: CustomerMerge, survivor: Customer, absorbed: Customer) -> "Ends":
        return cls(merge.pk, survivor.pk, absorbed.pk, survivor.party_id, absorbed.party_id)

    def params(self, moves: Moves, at: datetime) -> dict[str, Any]:
        by_party = moves.owner == "party_id"
        return {
            "merge": self.merge_id,
            "model": moves.model,
            "survivor": self.survivor_party if by_party else self.survivor,
            "absorbed": self.absorbed_party if by_party else self.absorbed,
            "absorbed_customer": self.absorbed,
            "survivor_customer": self.survivor,
            "at": at,
        }


def move_rows(ends: Ends, *, at: datetime) -> dict[str, int]:
    """Move what is the absorbed customer's to the survivor; return how many rows by model."""
    everything = list(all_moves())
    for moves in everything:
        _note_those_that_stay(moves, ends, at)
    return {moves.model: n for moves in everything if (n := _move(moves, ends, at))}


def return_rows(ends: Ends, *, at: datetime) -> dict[str, int]:
    """
    Bring back what came from the absorbed customer and is still the survivor's, and what was
    written since about a line or account that goes back; return how many rows by model.
    """
    returned = {}
    for moves in all_moves():
        n = _return(moves, ends, at) + _send_along(moves, ends, at)
        if n:
            returned[moves.model] = n
        if moves.once:
            _let_others_follow(moves, ends, at)
    return returned


def _set(moves: Moves, owner: str) -> str:
    return f"{moves.owner} = {owner}" + (", updated_at = %(at)s" if moves.is_stamped else "")


def _note_those_that_stay(moves: Moves, ends: Ends, at: datetime) -> None:
    if moves.about is None:
        return
    column, table = moves.about
    _execute(
        "INSERT INTO customers_mergedrow (merge_id, model, key, stays)"
        f" SELECT %(merge)s, %(model)s, {moves.key}, true FROM {moves.table} AS t"
        f" WHERE t.{moves.owner} = %(survivor)s AND t.{column} IN"
        f" (SELECT a.id FROM {table} AS a WHERE a.customer_id = %(absorbed_customer)s)",
        ends.params(moves, at),
    )


def _move(moves: Moves, ends: Ends, at: datetime) -> int:
    return _execute(
        f"WITH moved AS (UPDATE {moves.table} AS t SET {_set(moves, '%(survivor)s')}"
        f" WHERE t.{moves.owner} = %(absorbed)s AND NOT {moves.twin(owner='%(survivor)s')}"
        f" RETURNING {moves.key} AS key)"
        " INSERT INTO customers_mergedrow (merge_id, model, key, stays)"
        " SELECT %(merge)s, %(model)s, key, false FROM moved",
        ends.params(moves, at),
    )


def _return(moves: Moves, ends: Ends, at: datetime) -> int:
    return _execute(
        f"UPDATE {moves.table} AS t SET {_set(moves, '%(absorbed)s')}"
        " FROM customers_mergedrow AS m WHERE m.merge_id = %(merge)s AND m.model = %(model)s"
        f" AND NOT m.stays AND t.{moves.owner} = %(survivor)s AND m.key = {moves.key}"
        f" AND NOT {moves.twin(owner='%(absorbed)s')}",
        ends.params(moves, at),
    )


def _send_along(moves: Moves, ends: Ends, at: datetime) -> int:
    """
    What any merge in force brought or found here was not written since: it is no newcomer.
    """
    if moves.about is None:
        return 0
    column, table = moves.about
    return _execute(
        f"UPDATE {moves.table} AS t SET {_set(moves, '%(absorbed)s')}"
        f" WHERE t.{moves.owner} = %(survivor)s AND t.{column} IN"
        f" (SELECT a.id FROM {table} AS a WHERE a.customer_id = %(absorbed_customer)s)"
        " AND NOT EXISTS (SELECT FROM customers_mergedrow AS m"
        " JOIN customers_customermerge AS g ON g.id = m.merge_id"
        " WHERE g.survivor_id = %(survivor_customer)s AND g.undone_at IS NULL"
        f" AND m.model = %(model)s AND m.key = {moves.key})",
        ends.params(moves, at),
    )


def _let_others_follow(moves: Moves, ends: Ends, at: datetime) -> None:
    """
    What another absorbed customer could not bring, because the one who goes back had brought
    the same, comes now: the survivor still has that other customer's things.
    """
    same = " AND ".join(f"b.{column} = t.{column}" for column in moves.once)
    other_owner = "p.party_id" if moves.owner == "party_id" else "p.id"
    _execute(
        "WITH chosen AS (SELECT DISTINCT ON (" + ", ".join(f"t.{c}" for c in moves.once) + ")"
        f" {moves.key} AS key, t.{moves.owner} AS owner, g.id AS merge_id"
        " FROM customers_customermerge AS g JOIN customers_customer AS p ON p.id = g.absorbed_id"
        f" JOIN {moves.table} AS t ON t.{moves.owner} = {other_owner}"
        f" JOIN {moves.table} AS b ON b.{moves.owner} = %(absorbed)s AND {same}"
        " JOIN customers_mergedrow AS r ON r.merge_id = %(merge)s AND r.model = %(model)s"
        f" AND NOT r.stays AND r.key = {moves.key.replace('t.', 'b.')}"
        " WHERE g.survivor_id = %(survivor_customer)s AND g.undone_at IS NULL"
        f" AND g.id <> %(merge)s AND {moves.when.format(t='t')} AND {moves.when.format(t='b')}"
        f" AND NOT {moves.twin(owner='%(survivor)s')}"
        " ORDER BY " + ", ".join(f"t.{c}" for c in moves.once) + ", g.id),"
        f" moved AS (UPDATE {moves.table} AS t SET {_set(moves, '%(survivor)s')} FROM chosen AS c"
        f" WHERE t.{moves.owner} = c.owner AND {moves.key} = c.key"
        " RETURNING c.merge_id, c.key)"
        " INSERT INTO customers_mergedrow (merge_id, model, key, stays)"
        " SELECT merge_id, %(model)s, key, false FROM moved ON CONFLICT DO NOTHING",
        ends.params(moves, at),
    )


def count_rows(customer: Customer) -> dict[str, int]:
    """Return how many rows of each model a merge would move, at most 10,001 of each."""
    counts = {}
    with connection.cursor() as cursor:
        for moves in all_moves():
            owner = customer.party_id if moves.owner == "party_id" else customer.pk
            cursor.execute(
                f"SELECT count(*) FROM (SELECT FROM {moves.table}"
                f" WHERE {moves.owner} = %s LIMIT {MOST_COUNTED + 1}) AS counted",
                [owner],
            )
            counts[moves.model] = cursor.fetchone()[0]
    return counts


def _execute(sql: str, params: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)
