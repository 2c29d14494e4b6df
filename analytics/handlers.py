"""How analytics answers what happens below it. One line each: event in, service call out."""

from analytics.events import CHURN_SCORED
from analytics.metrics.refreshing import count_soon
from crm.platform.events.handlers import on
from crm.platform.events.models import Event
from crm.platform.jobs.services import start_job
from customers.events import DEMO_MADE


@on("feeds.batch.applied")
@on("feeds.batch.undone")
@on(CHURN_SCORED)
def count_metrics_again(event: Event) -> None:
    count_soon(at=event.occurred_at)


@on(DEMO_MADE)
def learn_from_the_demo(event: Event) -> None:
    start_job(kind="analytics.learn", params={}, actor=None, at=event.occurred_at)
