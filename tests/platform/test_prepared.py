"""A prepared question answers what its queryset answers, and nothing of one answer is kept."""

import pytest
from django.db.models import Count, Q

from crm.platform.access.models import OrgUnit, Staff
from crm.platform.prepared import Prepared, PreparedForReach, Slot, Slots
from customers.models import Customer
from tests.factories import make_customer, make_province, make_staff

pytestmark = pytest.mark.django_db
ROLES = ["clerk", "account_manager", "manager", "analyst", "admin"]


@pytest.fixture
def province():
    return make_province()


def test_objects_come_with_relations_and_annotations(province, django_assert_num_queries):
    staff = make_staff("clerk", org=province["a_hall"])
    question = Prepared(
        lambda: (
            Staff.objects.select_related("org__parent")
            .annotate(roles=Count("groups"))
            .filter(Q(staff_code=Slot("code")) | Q(name=Slot("code")))
        )
    )

    with django_assert_num_queries(1):
        found = question.first(code=staff.staff_code)
        names = (found.org.name, found.org.parent.name)

    assert found == staff
    assert found.roles == 1
    assert names == (province["a_hall"].name, province["a_hall"].parent.name)
    assert not found.get_deferred_fields()


def test_an_absent_relation_is_none(province):
    root = OrgUnit.objects.get(parent=None)
    question = Prepared(lambda: OrgUnit.objects.select_related("parent").filter(pk=Slot("pk")))

    assert question.first(pk=root.pk).parent is None
    assert question.first(pk=0) is None


def test_each_answer_is_of_its_own_values(province):
    question = Prepared(lambda: OrgUnit.objects.filter(code=Slot("code")).values("code", "name"))

    for unit in (province["a_hall"], province["b_hall"], province["a_hall"]):
        assert question.rows(code=unit.code) == [{"code": unit.code, "name": unit.name}]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_list_of_values(province, count):
    units = list(OrgUnit.objects.order_by("pk")[:count])
    question = Prepared(
        lambda: OrgUnit.objects.filter(pk__in=Slots("pks"), level__in=Slots("levels")).order_by(
            "pk"
        )
    )

    found = question.rows(pks=[u.pk for u in units], levels=[u.level for u in units])

    assert found == units


def test_text_is_a_value_and_never_sql(province):
    question = Prepared(lambda: OrgUnit.objects.filter(code=Slot("code")))

    assert question.rows(code="x' OR 'a' = 'a") == []
    assert question.rows(code="%s") == []


@pytest.mark.parametrize("role", ROLES)
def test_every_reach_sees_what_visible_to_says(province, role):
    accounts = [make_staff(role, org=province[hall]) for hall in ("a_hall", "b_hall", "a_hall")]
    for hall in ("a_hall", "b_hall"):
        make_customer(home_org=province[hall])
        make_customer(home_org=province[hall], manager=accounts[0])
    question = PreparedForReach(
        lambda staff: Customer.objects.visible_to(staff).filter(number__gte=Slot("least"))
    )

    for staff in (*accounts, *accounts):
        expected = set(Customer.objects.visible_to(staff))
        assert set(question[staff].rows(least="")) == expected


def test_an_account_that_sees_nobody_asks_nothing(province, django_assert_num_queries):
    staff = make_staff("analyst", org=province["a_hall"])
    question = PreparedForReach(lambda staff: Customer.objects.visible_to(staff).values("pk"))
    question[staff].rows()

    with django_assert_num_queries(0):
        assert question[staff].rows() == []
        assert question[staff].sql is None
