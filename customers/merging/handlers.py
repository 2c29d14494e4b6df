"""When to look for duplicates again."""

from crm.platform.events.handlers import on
from crm.platform.events.models import Event
from crm.platform.feeds.models import Batch
from crm.platform.jobs.services import start_job
from customers.events import DEMO_MADE, PARTY_CORRECTED
from customers.merging.candidates import find_duplicates

_BRING_KEYS = {"customers", "accounts", "subscribers"}


@on("feeds.batch.applied")
def look_at_what_a_file_changed(event: Event) -> None:
    if event.data["feed"] not in _BRING_KEYS:
        return
    batch = Batch.objects.get(number=event.data["batch"])
    since = batch.started_at or batch.received_at
    start_job(
        kind="customers.find_duplicates",
        params={"since": since.isoformat()},
        actor=None,
        at=event.occurred_at,
    )


@on(DEMO_MADE)
def look_at_the_demo(event: Event) -> None:
    start_job(kind="customers.find_duplicates", params={}, actor=None, at=event.occurred_at)


@on(PARTY_CORRECTED)
def look_at_the_corrected(event: Event) -> None:
    find_duplicates(of=[event.data["customer_id"]], at=event.occurred_at)
