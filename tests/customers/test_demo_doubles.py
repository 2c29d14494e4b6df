"""The demo operator has a few customers who came twice, so that the queue is not empty."""

import pytest
from django.utils import timezone

from crm.platform.access.models import Staff
from customers.merging.candidates import find_duplicates
from customers.merging.merge import merge_customers
from customers.models import DuplicateCandidate
from tests.customers.demo import empty, run


@pytest.fixture(scope="module")
def operator(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        yield run(customers=800)
        empty()


def test_the_hall_manager_has_pairs_to_look_at_and_may_merge_them(operator, db):
    find_duplicates(between=(0, 1 << 60), at=timezone.now())
    manager = Staff.objects.get(staff_code="hallmanager")

    pairs = DuplicateCandidate.objects.visible_to(manager).filter(score=100)

    assert 3 <= pairs.count() <= 30
    pair = pairs.first()
    merge_customers(
        survivor_id=pair.left_id, absorbed_id=pair.right_id, actor=manager, at=timezone.now()
    )
