"""Who may write the demo operator: one builder, and only when no worker of another is left."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.utils.translation import gettext as _

from crm.platform.errors import DomainError

_BUILDER, _WORKER = "demo operator builder", "demo operator worker"


class DemoBusy(DomainError):
    code = "demo_operator_busy"


@contextmanager
def builder() -> Iterator[None]:
    """
    Be the only builder. The lock belongs to the session, so a killed builder does not keep it;
    its workers may outlive it for a moment, and theirs is asked for too.

    :raises DemoBusy: if another process is making the demo operator.
    """
    if not _ask("pg_try_advisory_lock", _BUILDER):
        raise DemoBusy(_("Another process is making the demo operator."))
    try:
        if not _ask("pg_try_advisory_lock", _WORKER):
            raise DemoBusy(_("A worker of an earlier run is still writing; try again in a minute."))
        _ask("pg_advisory_unlock", _WORKER)
        yield
    finally:
        _ask("pg_advisory_unlock", _BUILDER)


def join_as_worker() -> None:
    """Hold the workers' lock for as long as this session lives."""
    _ask("pg_try_advisory_lock_shared", _WORKER)


def _ask(function: str, name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtext(%s))", [name])
        return bool(cursor.fetchone()[0])
