"""What the churn models found out about customers."""

from collections.abc import Sequence
from datetime import date
from typing import IO, Any

from django.db import connection, transaction

from crm.platform.records import ensure_months

_DELETE = """
DELETE FROM customers_churnscore score
WHERE score.as_of = %(as_of)s
  AND score.customer_id >= %(first)s AND score.customer_id < %(end)s
  AND (%(sources)s::text[] IS NULL OR EXISTS (
    SELECT FROM customers_subscriber s
    WHERE s.id = score.subscriber_id AND s.source = ANY (%(sources)s::text[])
  ))
"""
_COPY = """
COPY customers_churnscore (as_of, subscriber_id, customer_id, probability, decile, reasons,
  model_version, scored_at) FROM STDIN
"""


def record_churn_scores(
    *,
    as_of: date,
    first_customer: int,
    end_customer: int,
    sources: Sequence[str] | None,
    rows: IO[str],
) -> int:
    """
    Replace the scores of one day for the customers `first_customer` <= id < `end_customer`.

    `rows` is PostgreSQL's COPY text: as_of, subscriber id, customer id, probability, decile,
    reasons (see ChurnScore), model version, scored_at. `sources` limits what is replaced to the
    subscribers of those sources. Returns how many rows were written.

    :raises IntegrityError: for a probability or decile that cannot be; nothing is replaced.
    """
    ensure_months("customers_churnscore", first=as_of, last=as_of)
    parameters: dict[str, Any] = {
        "as_of": as_of,
        "first": first_customer,
        "end": end_customer,
        "sources": list(sources) if sources else None,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_DELETE, parameters)
        cursor.copy_expert(_COPY, rows)
        written: int = cursor.rowcount
    return written
