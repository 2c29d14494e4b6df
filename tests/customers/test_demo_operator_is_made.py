"""Making the demo operator: once, the same for the same seed, all of it or nothing that stays."""

import multiprocessing
import os
import signal
import time
from datetime import date

import pytest
from django.core.management import CommandError
from django.db import connections

from crm.platform.access.models import OrgUnit, Staff
from crm.platform.access.roles import ROLES
from customers.demo import crew, structure
from customers.demo.models import DemoOperator, DemoState
from customers.models import Customer
from tests.customers.demo import count, empty, fingerprint, run


@pytest.mark.django_db
def test_without_customers_there_are_units_and_staff_and_it_may_be_said_again():
    run(customers=0)

    facts = run(customers=0)

    assert facts["customers"] == 0
    assert not Customer.objects.exists() and not DemoOperator.objects.exists()
    assert Staff.objects.filter(is_demo=True, is_system=False).count() == len(ROLES)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong", [{"customers": -1}, {"months": 2}, {"until": date(2026, 11, 2)}, {"seed": -1}]
)
def test_what_cannot_be_made_is_refused_before_anything_is_written(wrong):
    with pytest.raises(CommandError):
        run(**wrong)

    assert not OrgUnit.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_same_seed_gives_the_same_rows_whoever_writes_them(monkeypatch):
    monkeypatch.setattr(structure, "CHUNK_CUSTOMERS", 60)
    prints = []
    for seed, workers in ((3, 1), (3, 2), (4, 1)):
        empty()
        run(customers=150, months=4, seed=seed, workers=workers)
        prints.append(fingerprint())

    assert prints[0] == prints[1] != prints[2]


@pytest.mark.django_db(transaction=True)
def test_a_run_that_was_cut_off_is_removed_by_the_next(monkeypatch):
    monkeypatch.setattr(structure, "CHUNK_CUSTOMERS", 60)
    make, made = crew.make, []

    def fail_at_the_second(chunk, where):
        if made:
            raise KeyboardInterrupt
        made.append(make(chunk, where))
        return made[0]

    monkeypatch.setattr(crew, "make", fail_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        run(customers=150, months=4)
    assert Customer.objects.count() == 60
    assert DemoOperator.objects.get().state == DemoState.BUILDING
    monkeypatch.setattr(crew, "make", make)

    run(customers=90, months=4)

    assert Customer.objects.count() == 90
    assert count("customers_party") == 90
    assert DemoOperator.objects.get().state == DemoState.READY


@pytest.mark.django_db(transaction=True)
def test_workers_end_with_a_builder_that_was_killed(monkeypatch):
    monkeypatch.setattr(structure, "CHUNK_CUSTOMERS", 60)
    builder = multiprocessing.get_context("fork").Process(target=_build_in_another_process)
    builder.start()
    assert _within(60, Customer.objects.exists)

    os.kill(builder.pid, signal.SIGKILL)
    builder.join()

    assert DemoOperator.objects.get().state == DemoState.BUILDING
    assert _within(20, _made_anew)
    assert Customer.objects.count() == count("customers_party") == 90


def _build_in_another_process():
    for connection in connections.all(initialized_only=True):
        connection.connection = None
    run(customers=6000, months=4, workers=2)


def _made_anew():
    try:
        return run(customers=90, months=4)
    except CommandError:  # the killed one's workers still hold their lock
        return None


def _within(seconds, true):
    until = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < until:
        time.sleep(0.2)
    return found
