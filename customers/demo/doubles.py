"""
Customers who came twice: one pair in each business hall, three in the one the demo log-ins
work in. The second record was typed in anew from the same card, which nobody put on the reader.
"""

from django.db import connection, transaction

from customers.feeds.search_keys import remake_keys

_PLACES = (5, 15, 25)
"""The persons of a hall, by number, who come again as the next one of it."""
_PAIRS = """
WITH persons AS (
    SELECT c.id, c.party_id, c.home_org_id,
        row_number() OVER (PARTITION BY c.home_org_id ORDER BY c.id) AS place
    FROM customers_customer AS c JOIN customers_party AS p ON p.id = c.party_id
    WHERE p.kind = 'INDIVIDUAL' AND c.source = 'demo'
)
SELECT a.party_id, b.party_id, b.id FROM persons AS a
JOIN persons AS b ON b.home_org_id = a.home_org_id AND b.place = a.place + 1
WHERE a.place = %(first)s OR (a.home_org_id = %(hall)s AND a.place = ANY(%(places)s))
ORDER BY a.id
"""
_TWICE = "(SELECT * FROM unnest(%(first)s::bigint[], %(second)s::bigint[]) AS d (a, b)) AS d"
_COPIES = (
    f"""
    UPDATE customers_party AS q SET name = p.name, sort_key = p.sort_key,
        birth_date = p.birth_date, sex = p.sex
    FROM {_TWICE}, customers_party AS p WHERE p.id = d.a AND q.id = d.b
    """,
    f"""
    UPDATE customers_partyidentification AS q SET number_encrypted = p.number_encrypted,
        number_hash = p.number_hash, number_masked = p.number_masked,
        verified_at = NULL, verified_by = ''
    FROM {_TWICE}, customers_partyidentification AS p
    WHERE p.party_id = d.a AND q.party_id = d.b AND q.kind = p.kind
    """,
    f"""
    UPDATE customers_contactmedium AS q SET value = p.value
    FROM {_TWICE}, customers_contactmedium AS p
    WHERE p.party_id = d.a AND q.party_id = d.b AND q.kind = p.kind
      AND p.ends_at IS NULL AND q.ends_at IS NULL
    """,
)


@transaction.atomic
def come_twice(*, hall: int) -> int:
    """Make the pairs, those of `hall` (its id) among them; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(_PAIRS, {"first": _PLACES[0], "hall": hall, "places": list(_PLACES)})
        rows = cursor.fetchall()
        pairs = {"first": [row[0] for row in rows], "second": [row[1] for row in rows]}
        for copy in _COPIES:
            cursor.execute(copy, pairs)
    remake_keys([row[2] for row in rows])
    return len(rows)
