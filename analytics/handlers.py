"""How analytics answers what happens below it. One line each: event in, service call out."""

from analytics.metrics.refreshing import count_soon
from crm.platform.events.handlers import on
from crm.platform.events.models import Event


@on("feeds.batch.applied")
@on("feeds.batch.undone")
def count_metrics_again(event: Event) -> None:
    count_soon(at=event.occurred_at)
