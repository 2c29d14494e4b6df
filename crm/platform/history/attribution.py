"""Who makes the changes that a session makes from here on, and by what act."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from psycopg2.extensions import TRANSACTION_STATUS_INERROR


@contextmanager
def attributed(*, actor_id: int | None, via: str = "") -> Iterator[None]:
    """
    Let whatever is written inside bear this account, and up to 80 characters of what it is part
    of ("request …", "job …", "batch …"). Afterwards it is as before.
    """
    before = attribute(actor_id=actor_id, via=via)
    try:
        yield
    finally:
        if _listens():
            _set(*before)


def _listens() -> bool:
    """Whether there is a session that takes statements. One that failed forgets by itself."""
    link = connection.connection
    return link is not None and link.get_transaction_status() != TRANSACTION_STATUS_INERROR


def attribute(*, actor_id: int | None, via: str) -> tuple[str, str]:
    """Attribute what this session writes from now on; return what was said before."""
    return _set(str(actor_id or ""), via[:80])


def _set(actor: str, via: str) -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(current_setting('crm.actor', true), ''),"
            " coalesce(current_setting('crm.via', true), '')"
        )
        before = cursor.fetchone()
        cursor.execute(
            "SELECT set_config('crm.actor', %s, false), set_config('crm.via', %s, false)",
            [actor, via],
        )
    return before
