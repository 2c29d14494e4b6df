from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from crm.pages.desk import DESKS, oversight
from crm.platform.access.models import Role, Staff
from crm.platform.access.roles import ROLES
from crm.platform.audit.services import record_access
from crm.platform.feeds.models import Batch
from crm.platform.jobs.models import Job
from customers.models import ChurnScore
from tests.factories import make_customer, make_staff, make_subscriber

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


def desk_of(client, *roles, org, **given):
    staff = make_staff(*roles, org=org, **given)
    client.force_login(staff)
    return staff, client.get("/").content.decode()


def test_every_role_has_a_desk():
    assert set(DESKS) == set(ROLES)


@pytest.mark.parametrize("role", list(DESKS))
def test_each_role_sees_its_own_panels_and_its_name(client, province, role):
    _, page = desk_of(client, role, org=province["a_hall"])

    for panel in DESKS[role]:
        assert f'id="panel-{panel.code}"' in page, panel.code
    assert str(Role.objects.get(code=role).name) in page


@pytest.mark.parametrize("role", ["analyst", "marketer", "admin"])
def test_roles_without_persons_have_no_search_box(client, province, role):
    _, page = desk_of(client, role, org=province["a_hall"])

    assert 'name="q" type="search"' not in page


def test_two_roles_have_both_desks_and_no_panel_twice(client, province):
    _, page = desk_of(client, "clerk", "hallmanager", org=province["a_hall"])

    assert page.count('id="panel-search"') == 1
    assert 'id="panel-unit"' in page


def test_an_account_without_a_role_is_told_so(client, province):
    _, page = desk_of(client, org=province["a_hall"])

    assert "Your account has no role yet" in page


def test_a_panel_without_its_permission_is_left_out(client, province):
    Role.objects.get(code="dispatcher").group.permissions.clear()

    _, page = desk_of(client, "dispatcher", org=province["a_hall"])

    assert 'id="panel-rejects"' not in page


def test_the_clerk_finds_again_whom_they_opened(client, province):
    staff = make_staff("clerk", org=province["a_hall"])
    client.force_login(staff)
    first = make_customer(home_org=province["a_hall"], name="王小明")
    second = make_customer(home_org=province["a_hall"], name="李大海")
    moved = make_customer(home_org=province["a_hall"], name="赵四")
    for customer in (first, second, first, moved):
        client.get(f"/customers/{customer.number}/")
    moved.home_org = province["b_hall"]
    moved.save()

    page = client.get("/").content.decode()

    assert page.index("王*明") < page.index("李*海")
    assert page.count("王*明") == 1
    assert "赵" not in page


def test_a_manager_counts_the_looks_of_the_unit_and_of_no_other(client, province):
    near = make_staff("clerk", org=province["a_hall"], name="Near")
    far = make_staff("clerk", org=province["b_hall"], name="Far")
    for staff in (near, near, far):
        look(staff)
    look(near, at=NOW - timedelta(days=2))

    _, page = desk_of(client, "hallmanager", org=province["a_hall"])

    assert '<th scope="row">Near</th><td class="number">2</td>' in page
    assert "Far" not in page


def test_the_account_manager_sees_risk_and_contract_of_those_assigned(client, province, partitions):
    manager = make_staff("accountmanager", org=province["a_hall"])
    client.force_login(manager)
    mine = make_customer(name="长江有限公司", kind="ORGANISATION", manager=manager)
    ends = timezone.localdate() + timedelta(days=20)
    line = make_subscriber(customer=mine, contract_ends_on=ends)
    make_subscriber(customer=mine, contract_ends_on=timezone.localdate() - timedelta(days=9))
    ChurnScore.objects.create(
        as_of=timezone.localdate().replace(day=1),
        subscriber_id=line.pk,
        customer_id=mine.pk,
        probability=0.4,
        decile=1,
        model_version="m",
        scored_at=NOW,
    )
    make_customer(name="黄河有限公司", kind="ORGANISATION")

    page = client.get("/").content.decode()

    assert page.count("长江有限公司") == 2  # in the list, and among the ending contracts
    assert page.count(ends.isoformat()) == 2
    assert "high" in page
    assert "黄河" not in page


def test_assigned_customers_come_page_by_page_by_name(client, province, partitions):
    manager = make_staff("accountmanager", org=province["a_hall"])
    client.force_login(manager)
    for n in range(45):
        make_customer(name=f"Firm {n % 3}", kind="ORGANISATION", manager=manager, number=f"F{n:03}")

    seen, url = [], "/"
    while url:
        answer = next(p for p in client.get(url).context["panels"] if p["panel"].code == "assigned")
        seen += [customer.number for customer in answer["customers"]]
        url = answer["next"] and f"/?after={answer['next']}"

    assert len(seen) == 45
    assert len(set(seen)) == 45


def test_the_dispatcher_sees_rejects_and_failures(client, province):
    batch(number="B-1", rejected=3, rows=3)
    batch(number="B-2", created=5, rows=5)
    Job.objects.create(
        kind="feeds.import", queue="bulk", status="FAILED", error="The disk is full.",
        created_at=NOW, queued_at=NOW, ring_at=NOW, finished_at=NOW,
    )  # fmt: skip

    _, page = desk_of(client, "dispatcher", org=province["a_hall"])

    assert "B-1" in page
    assert "B-2" not in page
    assert "The disk is full." in page


def test_the_auditor_sees_what_was_done_within_reach(client, province, monkeypatch):
    monkeypatch.setattr(oversight, "COUNTED", 2)
    clerk = make_staff("clerk", org=province["a_hall"])
    customer = make_customer(home_org=province["a_hall"])
    for _ in range(3):
        look(clerk, customer=customer)

    _, page = desk_of(client, "auditor", org=province["p"])

    assert "2+" in page
    assert clerk.staff_code in page


def test_the_administrator_is_warned_of_demo_accounts(client, province):
    _, page = desk_of(client, "admin", org=province["a_hall"])
    assert "known password" not in page

    Staff.objects.update(is_demo=True)
    assert "known password" in client.get("/").content.decode()


@pytest.mark.parametrize("role", list(DESKS))
def test_a_desk_asks_few_questions(client, province, role, django_assert_max_num_queries):
    client.force_login(make_staff(role, org=province["a_hall"]))

    with django_assert_max_num_queries(16):
        assert client.get("/").status_code == 200


def look(staff, *, customer=None, at=NOW):
    record_access(
        actor=staff,
        action="VIEW",
        object_type="customers.customer",
        customer_id=customer.pk if customer else None,
        at=at,
    )


def batch(**given):
    return Batch.objects.create(
        feed="customers",
        status="APPLIED",
        file_name="x.csv",
        file_path="x.csv",
        as_of=date(2026, 1, 1),
        received_at=NOW,
        started_at=NOW,
        finished_at=NOW,
        **given,
    )
