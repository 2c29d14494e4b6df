"""How long one question of a list may take. What takes longer is asked otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction

_CANCELLED = "57014"


class OverBudget(Exception):
    """The database was not done in time. Nothing was changed and the connection is fine."""


@contextmanager
def budget(milliseconds: int) -> Iterator[None]:
    """
    Let no statement of the block run longer than so many milliseconds.

    :raises OverBudget: if one did.
    """
    was_inside = connection.in_atomic_block
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {int(milliseconds)}")
            yield
            if was_inside:  # else it ends with the transaction
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", None) != _CANCELLED:
            raise
        raise OverBudget from error
