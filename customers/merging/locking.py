"""Nobody else merges, undoes, or applies a file to the customers that are being merged."""

from collections.abc import Iterable

from django.db import OperationalError, connection
from django.db.models import Q
from django.utils.translation import gettext as _

from crm.platform.errors import DomainError
from crm.platform.feeds.applying import hold_feeds
from customers.models import Customer

WAIT_SECONDS = 10
_LOCK_NOT_AVAILABLE = "55P03"


class Busy(DomainError):
    """A file or another merge is at work on the same customers for longer than one waits."""

    code = "customers_busy"


def lock_customers(pks: Iterable[int]) -> dict[int, Customer]:
    """
    Lock the customers, and those merged into them, in order of id; return those asked for.

    Files hold no locks on the bills and contacts of a customer, so they are held back, too.

    :raises Busy: after ten seconds of waiting.
    """
    wanted = set(pks)
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'")
        try:
            hold_feeds()
            rows = list(
                Customer.objects.select_for_update(of=("self",))
                .filter(Q(pk__in=wanted) | Q(merged_into__in=wanted))
                .order_by("pk")
            )
        except OperationalError as error:
            if getattr(error.__cause__, "pgcode", "") != _LOCK_NOT_AVAILABLE:
                raise
            raise Busy(
                _(
                    "A file or another merge is at work on these customers. "
                    "Nothing was changed; try again in a minute."
                )
            ) from error
        cursor.execute("SET LOCAL lock_timeout = 0")
    parties = Customer.objects.select_related("party").in_bulk([r.pk for r in rows])
    return {row.pk: parties[row.pk] for row in rows if row.pk in wanted}
