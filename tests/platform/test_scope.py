import pytest
from django.contrib.auth.models import Permission

from crm.platform.access.models import Role
from crm.platform.access.roles import grant_declared_permissions
from crm.platform.access.scope import Scope
from customers.models import Customer, Subscriber
from tests.factories import make_customer, make_province, make_staff, make_subscriber

pytestmark = pytest.mark.django_db


@pytest.fixture
def land():
    units = make_province()
    return units | {
        f"of_{name}": make_customer(home_org=units[name]) for name in ("p", "a_hall", "b_hall")
    }


def seen_by(staff) -> set[Customer]:
    return set(Customer.objects.visible_to(staff))


def test_a_clerk_sees_their_city_and_what_the_province_keeps(land):
    clerk = make_staff("clerk", org=land["a_hall"])

    assert seen_by(clerk) == {land["of_p"], land["of_a_hall"]}


def test_an_agent_sees_the_whole_province(land):
    agent = make_staff("agent", org=land["p"])

    assert seen_by(agent) == {land["of_p"], land["of_a_hall"], land["of_b_hall"]}


def test_another_province_is_out_of_reach(land):
    agent = make_staff("agent")

    assert not seen_by(agent)


@pytest.mark.parametrize("role", ["analyst", "marketer", "admin"])
def test_some_roles_see_no_person_by_virtue_of_their_role(land, role):
    assert not seen_by(make_staff(role, org=land["p"]))


def test_a_superuser_sees_no_person_by_being_one(land):
    assert not seen_by(make_staff(org=land["p"], is_superuser=True))


def test_a_locked_account_sees_nobody(land):
    assert not seen_by(make_staff("agent", org=land["p"], is_active=False))


def test_an_account_manager_sees_those_assigned_and_loses_them_with_the_assignment(land):
    manager = make_staff("accountmanager", org=land["p"])
    mine = land["of_b_hall"]
    mine.manager = manager
    mine.save()
    assert seen_by(manager) == {mine}

    mine.manager = None
    mine.save()
    assert not seen_by(manager)


def test_the_widest_of_several_roles_decides(land):
    both = make_staff("clerk", "agent", org=land["a_hall"])

    assert land["of_b_hall"] in seen_by(both)


def test_subscribers_follow_their_customer(land):
    here = make_subscriber(customer=land["of_a_hall"])
    make_subscriber(customer=land["of_b_hall"])

    assert set(Subscriber.objects.visible_to(make_staff("clerk", org=land["a"]))) == {here}


def test_a_unit_whose_code_begins_like_another_is_not_inside_it(land):
    other = make_province()
    staff = make_staff("clerk", org=land["a"])
    other["a"].code = land["a"].code + "0"
    other["a"].parent = land["p"]
    other["a"].save()
    neighbour = make_customer(home_org=other["a"])

    assert neighbour not in seen_by(staff)


def test_a_permission_taken_away_does_not_come_back_with_the_next_upgrade():
    role = Role.objects.get(code="clerk")
    taken = Permission.objects.get(codename="search_customer_by_name")
    role.group.permissions.remove(taken)

    grant_declared_permissions()

    assert not role.group.permissions.filter(pk=taken.pk).exists()


def test_a_scope_read_with_the_permissions_is_the_same():
    units = make_province()
    for roles in ([], ["clerk"], ["agent"], ["accountmanager", "clerk"], ["analyst"]):
        staff = make_staff(*roles, org=units["a_hall"])
        alone = Scope(staff).reach
        staff.has_perm("customers.view_customer")

        assert Scope(staff).reach == alone, roles
