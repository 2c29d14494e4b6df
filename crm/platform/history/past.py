"""Looking at the past: within `as_of(moment)` every kept table is as it was then."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection, transaction

from crm.platform.history.keeping import SCHEMA


@contextmanager
def as_of(moment: datetime) -> Iterator[None]:
    """
    Read the kept and dated tables as they were at `moment`; all other tables are as they are.

    Every query inside, of the ORM or not, sees the past without being written for it, as long
    as it does not name a schema: the views of the past stand before the tables in the search
    path. Nothing can be written inside. A lazy query must be read before the block ends.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('crm.as_of', %s, true),"
                " set_config('search_path', %s || ',' || current_schema(), true),"
                " set_config('transaction_read_only', 'on', true)",
                [moment.isoformat(), SCHEMA],
            )
        yield
        transaction.set_rollback(True)  # and with it the search path is what it was
