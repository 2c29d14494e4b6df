"""What happens below makes analytics count and learn, without anybody asking."""

from datetime import UTC, datetime

import pytest

from analytics.events import CHURN_SCORED
from crm.platform.events.models import Delivery
from crm.platform.events.outbox import publish
from crm.platform.events.tasks import deliver
from crm.platform.jobs.models import Job
from customers.events import DEMO_MADE

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)


def happens(name: str, **data) -> list[str]:
    event = publish(name, at=NOW, **data)
    for delivery in Delivery.objects.filter(event_id=event.id, handler__startswith="analytics."):
        deliver(delivery_id=delivery.pk)
    return list(Job.objects.values_list("kind", flat=True))


@pytest.mark.parametrize("name", ["feeds.batch.applied", "feeds.batch.undone", CHURN_SCORED])
def test_figures_are_counted_again_after(name):
    assert happens(name) == ["analytics.refresh_metrics"]


def test_a_new_demo_operator_gets_its_first_model_and_scores():
    assert happens(DEMO_MADE, customers=5) == ["analytics.learn"]
