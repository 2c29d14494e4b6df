"""Changing all that match: through the pages and jobs that real people use."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.http import QueryDict
from django.utils import timezone

from crm.platform.access.models import Staff
from crm.platform.events.models import Event
from crm.platform.jobs.models import Job, JobStatus
from crm.platform.jobs.registry import JobCancelled
from crm.platform.jobs.tasks import run
from customers.lists.wanted import from_address
from customers.models import BulkChange, Customer, CustomerTag, ListKind
from customers.services import bulk as bulk_changes
from customers.services.bulk import BulkRefused, start_bulk, start_undo
from customers.services.care import CannotChange
from tests.factories import make_customer, make_staff

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def manager(client, province):
    staff = make_staff("manager", org=province["p"], language="en")
    client.force_login(staff)
    return staff


def wanted(query=""):
    return from_address(ListKind.CUSTOMERS, QueryDict(query))


def work(job_id) -> Job:
    """Run the job as a worker does."""
    job = Job.objects.get(pk=job_id)
    run(job_id=str(job_id), attempt=job.attempt)
    job.refresh_from_db()
    return job


def changed(staff, action, value, query="") -> BulkChange:
    bulk = start_bulk(
        wanted=wanted(query), action=action, value=value, reason="tidy up", actor=staff,
        at=timezone.now(),
    )  # fmt: skip
    assert work(bulk.job_id).status == JobStatus.SUCCEEDED
    bulk.refresh_from_db()
    return bulk


def undone(bulk, staff) -> Job:
    found = start_undo(bulk_id=bulk.pk, actor=staff, at=timezone.now())
    return work(found.undo_job_id)


def categories(*customers):
    return [Customer.objects.get(pk=c.pk).category for c in customers]


def test_all_that_match_are_changed_and_nobody_else(manager, province):
    ours = [make_customer(home_org=province["a"], star=n % 2) for n in range(8)]
    stranger = make_customer(home_org=make_staff().org, star=1)

    bulk = changed(manager, "CHANGE_CATEGORY", "VIP", "star=1")

    assert categories(*ours) == ["PUBLIC", "VIP"] * 4
    assert categories(stranger) == ["PUBLIC"]
    assert bulk_changes.outcomes_of(bulk) == {"changed": 4}
    assert Job.objects.get(pk=bulk.job_id).result == {"changed": 4}
    assert Event.objects.filter(name="customers.category.changed").count() == 4


def test_what_was_so_already_and_what_cannot_be_is_listed_with_the_reason(
    client, manager, province
):
    person = make_customer(home_org=province["a"])
    firm = make_customer(home_org=province["a"], kind="ORGANISATION", name="A")
    already = make_customer(
        home_org=province["a"], kind="ORGANISATION", name="B", category="ENTERPRISE"
    )

    bulk = changed(manager, "CHANGE_CATEGORY", "ENTERPRISE")
    page = client.get(f"/lists/bulk/{bulk.pk}/").content.decode()

    assert categories(person, firm, already) == ["PUBLIC", "ENTERPRISE", "ENTERPRISE"]
    assert bulk_changes.outcomes_of(bulk) == {"changed": 1, "unchanged": 1, "refused": 1}
    assert person.number in page and "A person cannot be an enterprise customer." in page


def test_undo_restores_only_what_was_not_changed_since(client, manager, province):
    customers = [make_customer(home_org=province["a"]) for _ in range(4)]
    Customer.objects.filter(pk=customers[3].pk).update(category="VIP")
    bulk = changed(manager, "CHANGE_CATEGORY", "VIP")
    Customer.objects.filter(pk=customers[1].pk).update(category="ENTERPRISE")

    job = undone(bulk, manager)

    assert job.status == JobStatus.SUCCEEDED
    assert categories(*customers) == ["PUBLIC", "ENTERPRISE", "PUBLIC", "VIP"]
    assert bulk_changes.outcomes_of(bulk) == {"undone": 2, "kept": 1, "unchanged": 1}
    page = client.get(f"/lists/bulk/{bulk.pk}/").content.decode()
    assert "It was changed since." in page and customers[1].number in page
    with pytest.raises(BulkRefused, match="Nothing is left"):
        start_undo(bulk_id=bulk.pk, actor=manager, at=timezone.now())


def test_tags_are_put_and_taken_and_both_are_undone(manager, province):
    first, second = (make_customer(home_org=province["a"]) for _ in range(2))

    def tags():
        return sorted(CustomerTag.objects.values_list("customer_id", "tag__name"))

    put = changed(manager, "ADD_TAG", " 弱网  区域 ")
    taken = changed(manager, "REMOVE_TAG", "弱网 区域", f"number={first.number}")
    assert tags() == [(second.pk, "弱网 区域")]
    undone(taken, manager)
    assert tags() == [(first.pk, "弱网 区域"), (second.pk, "弱网 区域")]
    undone(put, manager)
    assert tags() == []


def test_a_new_manager_sees_them_and_the_old_one_no_longer(manager, province):
    old, new = (make_staff("accountmanager", org=province["a"]) for _ in range(2))
    mine = make_customer(home_org=province["a"], manager=old)
    none = make_customer(home_org=province["a"])

    bulk = changed(manager, "ASSIGN_MANAGER", new.staff_code)

    assert set(Customer.objects.visible_to(new)) == {mine, none}
    assert not Customer.objects.visible_to(Staff.objects.get(pk=old.pk)).exists()
    undone(bulk, manager)
    assert set(Customer.objects.visible_to(Staff.objects.get(pk=old.pk))) == {mine}
    assert not Customer.objects.visible_to(Staff.objects.get(pk=new.pk)).exists()


@pytest.mark.parametrize("action, value, said", [
    ("ASSIGN_MANAGER", "nobody-such", "no account with the staff code"),
    ("ASSIGN_MANAGER", "theclerk", "no account manager"),
    ("CHANGE_CATEGORY", "GOLD", "no category"),
    ("ADD_TAG", " ", "A tag has"), ("ADD_TAG", "a,b", "A tag has"), ("ADD_TAG", "x" * 41, "A tag"),
])  # fmt: skip
def test_a_value_that_cannot_be_given_is_refused_before_anything_starts(
    client, manager, action, value, said
):
    make_staff("clerk", staff_code="theclerk")

    answer = client.post("/lists/customers/bulk/", {"action": action, f"value-{action}": value})

    assert answer.status_code == 409 and said in answer.content.decode()
    with pytest.raises(CannotChange, match=said):
        changed(manager, action, value)
    assert not BulkChange.objects.exists()


@pytest.mark.parametrize("role, may", [
    ("hallmanager", {"CHANGE_CATEGORY", "ADD_TAG", "REMOVE_TAG"}),
    ("teamlead", {"ADD_TAG", "REMOVE_TAG"}), ("accountmanager", {"ADD_TAG", "REMOVE_TAG"}),
    ("auditor", set()), ("clerk", set()), ("analyst", set()),
])  # fmt: skip
def test_each_role_may_do_its_own(client, province, role, may):
    staff = make_staff(role, org=province["a"])
    client.force_login(staff)

    assert set(bulk_changes.actions_of(staff)) == may
    assert client.get("/lists/customers/bulk/").status_code == (200 if may else 403)
    with pytest.raises(BulkRefused):
        changed(staff, "ASSIGN_MANAGER", "")


def test_who_lost_the_right_in_the_meantime_changes_nothing(manager, province):
    customer = make_customer(home_org=province["a"])
    bulk = start_bulk(
        wanted=wanted(), action="CHANGE_CATEGORY", value="VIP", reason="tidy up", actor=manager,
        at=timezone.now(),
    )  # fmt: skip
    manager.groups.clear()

    job = work(bulk.job_id)

    assert job.status == JobStatus.FAILED and "not among" in job.error
    assert categories(customer) == ["PUBLIC"]


def test_who_moved_out_of_reach_in_the_meantime_is_left_alone(manager, province, monkeypatch):
    customers = [make_customer(home_org=province["a"]) for _ in range(3)]
    elsewhere = make_staff().org
    choose = bulk_changes._choose

    def choose_and_move(*args, **kwargs):
        choose(*args, **kwargs)
        Customer.objects.filter(pk=customers[1].pk).update(home_org=elsewhere)

    monkeypatch.setattr(bulk_changes, "_choose", choose_and_move)
    bulk = changed(manager, "CHANGE_CATEGORY", "VIP")

    assert categories(*customers) == ["VIP", "PUBLIC", "VIP"]
    assert bulk.items.get(outcome="REFUSED").reason == "No longer within your reach."


class Stopping:
    """A job's context that is cancelled at its n-th word."""

    id, actor = None, None

    def __init__(self, after):
        self.at, self.left = timezone.now(), after

    def progress(self, done, total=None, message=""):
        self.left -= 1
        if self.left < 0:
            raise JobCancelled


def test_a_job_that_was_stopped_half_way_goes_on_and_counts_each_once(
    manager, province, monkeypatch
):
    monkeypatch.setattr(bulk_changes, "A_CHUNK", 2)
    customers = [make_customer(home_org=province["a"]) for _ in range(7)]
    bulk = start_bulk(
        wanted=wanted(), action="CHANGE_CATEGORY", value="VIP", reason="tidy up", actor=manager,
        at=timezone.now(),
    )  # fmt: skip
    with pytest.raises(JobCancelled):
        bulk_changes.run_bulk(context=Stopping(2), bulk_id=bulk.pk, today=timezone.localdate())
    assert categories(*customers).count("VIP") == 4
    late = make_customer(home_org=province["a"])  # matches now, but was not among the chosen

    assert work(bulk.job_id).result == {"changed": 7}

    assert categories(*customers) == ["VIP"] * 7 and categories(late) == ["PUBLIC"]
    assert Event.objects.filter(name="customers.category.changed").count() == 7


def test_the_page_shows_how_many_and_whom_before_it_starts(client, manager, province):
    vip = make_customer(home_org=province["a"], category="VIP")
    make_customer(home_org=province["a"])

    shown = client.post(
        "/lists/customers/bulk/?category=VIP", {"action": "ADD_TAG", "value-ADD_TAG": "gold"}
    ).content.decode()
    started = client.post(
        "/lists/customers/bulk/?category=VIP",
        {"action": "ADD_TAG", "value": "gold", "reason": "campaign", "confirm": "1"},
    )
    bulk = BulkChange.objects.get()
    work(bulk.job_id)

    assert "1 customer matches now." in shown and vip.number in shown
    assert not CustomerTag.objects.exclude(customer=vip).exists()
    assert CustomerTag.objects.filter(customer=vip, tag__name="gold", put_by=manager).exists()
    assert started["Location"] == f"/lists/bulk/{bulk.pk}/"
    page = client.get(started["Location"])
    assert b"Add a tag: gold" in page.content and page.context["can_undo"]


def test_anothers_bulk_change_is_not_there(client, manager, province):
    bulk = changed(manager, "ADD_TAG", "gold")
    client.force_login(make_staff("manager", org=province["p"]))

    assert client.get(f"/lists/bulk/{bulk.pk}/").status_code == 404
    assert client.post(f"/lists/bulk/{bulk.pk}/undo/").status_code == 404


def test_undo_waits_for_the_end_and_not_for_ever(manager, province):
    make_customer(home_org=province["a"])
    bulk = start_bulk(
        wanted=wanted(), action="ADD_TAG", value="gold", reason="tidy up", actor=manager,
        at=timezone.now(),
    )  # fmt: skip
    with pytest.raises(BulkRefused, match="still runs"):
        start_undo(bulk_id=bulk.pk, actor=manager, at=timezone.now())
    work(bulk.job_id)
    with pytest.raises(BulkRefused, match="30 days"):
        start_undo(bulk_id=bulk.pk, actor=manager, at=timezone.now() + timedelta(days=31))
    with transaction.atomic():
        assert start_undo(bulk_id=bulk.pk, actor=manager, at=timezone.now()).undo_job_id
