"""Looking for duplicates in the background: all customers, or those changed of late."""

from datetime import datetime
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.platform.jobs.registry import JobContext, job
from customers.merging.candidates import find_duplicates
from customers.models import Customer

CUSTOMERS_AT_ONCE = 5_000


@job(
    "customers.find_duplicates",
    queue="bulk",
    label=gettext_lazy("Search for duplicates"),
    result_labels={
        "customers": gettext_lazy("Customers looked through"),
        "pairs": gettext_lazy("Pairs that look like one"),
        "written": gettext_lazy("New or changed pairs"),
        "skipped_keys": gettext_lazy("Keys passed over because too many share them"),
    },
)
def run(context: JobContext, *, since: str | None = None) -> dict[str, Any]:
    """Look through everybody, 5,000 at once; `since` (ISO) only those changed after it."""
    last = Customer.objects.aggregate(last=Max("pk"))["last"] or 0
    moment = datetime.fromisoformat(since) if since else None
    result = {"customers": Customer.objects.count() if not since else 0}
    totals = {"pairs": 0, "written": 0, "skipped_keys": 0}
    for first in range(0, last + 1, CUSTOMERS_AT_ONCE):
        context.progress(first, last + 1, _("Looking for duplicates"))
        found = find_duplicates(
            between=(first, first + CUSTOMERS_AT_ONCE), since=moment, at=context.at
        )
        for name in totals:
            totals[name] += getattr(found, name)
    context.progress(last + 1, last + 1, _("Done"))
    return (result if not since else {}) | totals
