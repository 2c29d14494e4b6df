"""The planner's knowledge of the tables that features are read from."""

from django.db import connection

from analytics.features.blocks import BLOCKS
from analytics.features.sql import population

# Never analysed, or a fifth of the rows changed since. Each partition counts for itself.
_STALE = """
SELECT quote_ident(s.schemaname) || '.' || quote_ident(s.relname)
FROM pg_stat_user_tables s
WHERE coalesce(pg_partition_root(s.relid), s.relid)::regclass::text = ANY (%s)
  AND s.n_live_tup > 1000
  AND (
    coalesce(s.last_analyze, s.last_autoanalyze) IS NULL
    OR s.n_mod_since_analyze > 0.2 * s.n_live_tup
  )
"""


def refresh_statistics() -> list[str]:
    """
    Analyse what was just loaded; return those tables.

    Right after an import the planner takes big tables for empty ones and joins them row by
    row: minutes instead of a second.
    """
    everything = population() + " ".join(BLOCKS.values())
    tables = sorted({word for word in everything.split() if word.startswith("customers_")})
    with connection.cursor() as cursor:
        cursor.execute(_STALE, [tables])
        stale = [table for (table,) in cursor.fetchall()]
        for table in stale:
            cursor.execute(f"ANALYZE {table}")
    return stale
