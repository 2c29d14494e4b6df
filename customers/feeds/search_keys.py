"""Search keys that follow what a feed writes."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection

from crm.platform.feeds.chunks import Chunk
from customers.models import MediumKind
from customers.search import keys_for

SEPARATOR = "\x1f"
_AT_ONCE = 2000
_STAGED = "feed_rows AS r, unnest(string_to_array(r.keys, E'\\x1f')) AS k (key)"


def make_keys(chunk: Chunk) -> None:
    """Write the keys staged with new customers: each once, and nobody has any of theirs yet."""
    chunk.execute(
        "INSERT INTO customers_searchkey (key, customer_id) SELECT k.key, r.customer_id"
        f" FROM {_STAGED} WHERE r.customer_new ORDER BY 1, 2"
    )


def add_keys(chunk: Chunk) -> None:
    """Add the keys staged with rows of known customers: of what is new, and of what changed."""
    chunk.execute(
        "INSERT INTO customers_searchkey (key, customer_id) SELECT DISTINCT k.key, r.customer_id"
        f" FROM {_STAGED} WHERE NOT r.customer_new"
        " AND (NOT r.is_known OR EXISTS (SELECT FROM feed_changed AS c WHERE c.row = r.row))"
        " ORDER BY 1, 2 ON CONFLICT DO NOTHING"
    )


def renew_keys(chunk: Chunk) -> None:
    """Make the keys of known customers anew where a name or a number of theirs changed."""
    chunk.cursor.execute(
        "SELECT DISTINCT r.customer_id FROM feed_rows AS r JOIN feed_changed AS c USING (row)"
        " WHERE r.is_known AND c.part IN ('party', 'subscriber')"
    )
    remake_keys([customer_id for (customer_id,) in chunk.cursor.fetchall()])


def remake_keys(customer_ids: Sequence[int]) -> None:
    """Replace the search keys of these customers by those their data give now."""
    for start in range(0, len(customer_ids), _AT_ONCE):
        some = list(customer_ids[start : start + _AT_ONCE])
        wanted = {(key, customer_id) for customer_id, keys in _keys_of(some) for key in keys}
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT key, customer_id FROM customers_searchkey WHERE customer_id = ANY(%s)",
                [some],
            )
            present = set(cursor.fetchall())
            for sql, pairs in (
                ("DELETE FROM customers_searchkey AS k USING ({}) AS w (key, customer_id)"
                 " WHERE k.key = w.key AND k.customer_id = w.customer_id", present - wanted),
                ("INSERT INTO customers_searchkey (key, customer_id) {} ON CONFLICT DO NOTHING",
                 wanted - present),
            ):  # fmt: skip
                if pairs:
                    keys, owners = zip(*sorted(pairs), strict=True)
                    rows = "SELECT * FROM unnest(%s::text[], %s::bigint[])"
                    cursor.execute(sql.format(rows), [list(keys), list(owners)])


def _keys_of(customer_ids: list[int]) -> Iterator[tuple[int, list[str]]]:
    found: dict[str, dict[int, list[Any]]] = {}
    with connection.cursor() as cursor:
        for what, sql in _QUERIES.items():
            cursor.execute(sql, [customer_ids])
            of: defaultdict[int, list[Any]] = defaultdict(list)
            for customer_id, value in cursor.fetchall():
                of[customer_id].append(value)
            found[what] = of
    for customer_id, numbers in found["number"].items():
        yield (
            customer_id,
            keys_for(
                number=str(numbers[0]),
                former_numbers=[str(v) for v in found["absorbed"].get(customer_id, ())],
                name=str(found["name"][customer_id][0]),
                phones=[str(v) for v in found["phones"].get(customer_id, ())],
                accounts=[str(v) for v in found["accounts"].get(customer_id, ())],
                subscribers=[str(v) for v in found["subscribers"].get(customer_id, ())],
                id_hashes=[bytes(v) for v in found["hashes"].get(customer_id, ())],
            ),
        )


_CUSTOMERS = "FROM customers_customer AS c"
_QUERIES = {
    # Whoever was merged into another is found under the other, by both numbers.
    "number": f"SELECT c.id, c.number {_CUSTOMERS} WHERE c.id = ANY(%s)"
    " AND c.merged_into_id IS NULL",
    "absorbed": f"SELECT c.merged_into_id, c.number {_CUSTOMERS} WHERE c.merged_into_id = ANY(%s)",
    "name": f"SELECT c.id, p.name {_CUSTOMERS} JOIN customers_party AS p ON p.id = c.party_id"
    " WHERE c.id = ANY(%s)",
    "phones": "WITH wanted AS (SELECT unnest(%s::bigint[]) AS id)"
    f" SELECT c.id, m.value {_CUSTOMERS} JOIN wanted USING (id)"
    " JOIN customers_contactmedium AS m ON m.party_id = c.party_id"
    f" WHERE m.kind = '{MediumKind.PHONE}' AND m.ends_at IS NULL"
    " UNION SELECT s.customer_id, s.service_number FROM customers_subscriber AS s"
    " JOIN wanted ON wanted.id = s.customer_id",
    "accounts": "SELECT customer_id, number FROM customers_billingaccount"
    " WHERE customer_id = ANY(%s)",
    "subscribers": "SELECT customer_id, number FROM customers_subscriber"
    " WHERE customer_id = ANY(%s)",
    "hashes": f"SELECT c.id, i.number_hash {_CUSTOMERS} JOIN customers_partyidentification AS i"
    " ON i.party_id = c.party_id WHERE c.id = ANY(%s)",
}
