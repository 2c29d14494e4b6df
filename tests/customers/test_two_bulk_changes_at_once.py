"""Two jobs over the same customers at once: each row is changed by one after the other."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.http import QueryDict
from django.utils import timezone

from crm.platform.jobs.models import Job, JobStatus
from crm.platform.jobs.tasks import run
from customers.lists.wanted import from_address
from customers.models import BulkItem, Customer, CustomerTag, ListKind
from customers.services import bulk as bulk_changes
from tests.factories import make_customer, make_province, make_staff


@pytest.mark.django_db(transaction=True)
def test_two_jobs_at_once_end_both_and_their_records_add_up(monkeypatch):
    monkeypatch.setattr(bulk_changes, "A_CHUNK", 7)
    units = make_province()
    manager = make_staff("manager", org=units["p"])
    customers = [make_customer(home_org=units["a"]) for _ in range(40)]
    wanted = from_address(ListKind.CUSTOMERS, QueryDict(""))
    started = [
        bulk_changes.start_bulk(
            wanted=wanted, action=action, value=value, reason="at once", actor=manager,
            at=timezone.now(),
        )
        for action, value in (("CHANGE_CATEGORY", "VIP"), ("CHANGE_CATEGORY", "PUBLIC"),
                              ("ADD_TAG", "gold"), ("ADD_TAG", "gold"))
    ]  # fmt: skip
    together = Barrier(len(started))

    def work(bulk):
        try:
            together.wait()
            run(job_id=str(bulk.job_id), attempt=0)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(started)) as pool:
        list(pool.map(work, started))

    assert set(Job.objects.values_list("status", flat=True)) == {JobStatus.SUCCEEDED}
    for bulk in started:
        assert sum(bulk_changes.outcomes_of(bulk).values()) == len(customers)
    for customer in customers:
        by_vip, by_public, *tags = (
            BulkItem.objects.get(bulk=bulk, customer_id=customer.pk) for bulk in started
        )
        category = Customer.objects.get(pk=customer.pk).category
        # Either the one came first or the other; what was before says which.
        assert (by_vip.before, by_public.before, category) in {
            ("PUBLIC", "VIP", "PUBLIC"),
            ("PUBLIC", "PUBLIC", "VIP"),
        }
        assert sorted(item.outcome for item in tags) == ["CHANGED", "UNCHANGED"]
    assert CustomerTag.objects.count() == len(customers)
