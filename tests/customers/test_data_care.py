"""Completeness, identity that is due, and corrections on evidence."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from crm.platform.events.models import Event
from customers.care.completeness import completeness_of
from customers.care.correction import CorrectionRefused, RightDocument, correct_party
from customers.care.due import due_documents, never_verified
from customers.models import (
    CompletenessWeight,
    Customer,
    Party,
    PartyCorrection,
    PartyIdentification,
)
from customers.models.party import KeyFieldChanged
from customers.selectors import find_customers
from tests.customers.merging import NOON, add_document, add_medium
from tests.factories import make_customer, make_province, make_staff, make_subscriber

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 10)
RIGHT, OTHER = "11010519491231002X", "440524188001010014"


@pytest.fixture
def hall(db):
    return make_province()["a_hall"]


@pytest.fixture
def manager(hall):
    return make_staff("hallmanager", org=hall)


def score(customer):
    return completeness_of([customer.pk], today=TODAY)[customer.pk]


def test_the_score_is_the_weight_filled_by_the_weight_of_all(hall):
    customer = make_customer(home_org=hall)
    assert score(customer).percent == 15  # the name alone
    assert {field.code for field in score(customer).missing} == {
        "document", "verified", "phone", "birth_date", "address", "sex",
    }  # fmt: skip

    make_subscriber(customer=customer)
    add_medium(customer, "南京市玄武区中山路1号", kind="ADDRESS")
    document = add_document(customer, RIGHT, verified_at=NOON)
    Party.objects.filter(pk=customer.party_id).update(birth_date=TODAY, sex="MALE")
    assert (score(customer).percent, score(customer).missing) == (100, [])

    PartyIdentification.objects.filter(pk=document.pk).update(valid_to=TODAY - timedelta(days=1))
    assert [field.code for field in score(customer).missing] == ["verified"]


def test_weights_are_data(hall):
    customer = make_customer(home_org=hall)
    for field, weight in (("name", 1), ("sex", 2)):
        CompletenessWeight.objects.create(kind="INDIVIDUAL", field=field, weight=weight)

    assert score(customer).percent == 33


def test_a_name_that_is_the_number_is_none_and_a_firm_has_other_fields(hall):
    nameless = make_customer(home_org=hall, number="X1", name="X1")
    firm = make_customer(home_org=hall, kind="ORGANISATION", name="某公司")

    assert score(nameless).percent == 0
    assert "legal_representative" in {field.code for field in score(firm).missing}


def test_many_cost_what_one_costs(hall, django_assert_num_queries):
    customers = [make_customer(home_org=hall).pk for _n in range(20)]

    with django_assert_num_queries(2):
        assert len(completeness_of(customers, today=TODAY)) == 20


def test_who_is_due(hall, manager):
    expired, soon, never, fine, renewed = (make_customer(home_org=hall) for _n in range(5))
    stranger = make_customer()
    for customer, number, until in (
        (expired, "A0001", TODAY - timedelta(days=1)),
        (soon, "A0002", TODAY + timedelta(days=59)),
        (fine, "A0003", TODAY + timedelta(days=60)),
        (renewed, "A0004", TODAY - timedelta(days=1)),
        (stranger, "A0005", TODAY - timedelta(days=1)),
    ):
        document = add_document(customer, number, verified_at=NOON, kind="PASSPORT")
        PartyIdentification.objects.filter(pk=document.pk).update(valid_to=until)
    add_document(renewed, "B0004", verified_at=NOON, kind="PASSPORT")
    add_document(never, "A0006", kind="PASSPORT")

    def parties(code):
        rows = due_documents(staff=manager, code=code, today=TODAY)
        return [row.party_id for row in rows]

    assert parties("expired") == [expired.party_id]
    assert parties("expiring") == [soon.party_id]
    assert list(never_verified(staff=manager)) == [never]


def correct(customer, actor=None, **given):
    fields = {"evidence": "form 17, archive 3", "reason": "typing error", "at": timezone.now()}
    return correct_party(customer_id=customer.pk, actor=actor, **fields | given)


def test_a_name_is_corrected_on_evidence(hall, manager):
    customer = make_customer(home_org=hall, name="王小明")

    made = correct(customer, manager, name="王晓明")

    party = Party.objects.get(pk=customer.party_id)
    assert (party.name, party.sort_key) == ("王晓明", "wang xiao ming")
    assert (made.fields, made.corrected_by, made.evidence) == (
        ["name"], manager, "form 17, archive 3",
    )  # fmt: skip
    assert Event.objects.get(name="customers.party.corrected").data["fields"] == ["name"]
    assert find_customers(staff=manager, text="王晓明", by_name=True).matches
    assert not find_customers(staff=manager, text="王小明", by_name=True).matches


def test_a_corrected_document_is_to_be_verified_anew(hall):
    customer = make_customer(home_org=hall)
    wrong = add_document(customer, "110105194912310020", verified_at=NOON)

    correct(customer, document=RightDocument("ID_CARD", RIGHT, replaces=wrong.pk))

    now = PartyIdentification.objects.get()
    assert (now.pk, now.number_masked[-4:], now.verified_at) == (wrong.pk, "002X", None)
    assert Party.objects.get(pk=customer.party_id).birth_date == date(1949, 12, 31)


def refused(customer, **given):
    with pytest.raises(CorrectionRefused) as refusal:
        correct(customer, **given)
    assert not PartyCorrection.objects.exists()
    return [r.code for r in refusal.value.refusals]


def test_every_reason_against_it_is_said_at_once(hall):
    customer = make_customer(home_org=hall, name="王小明")

    assert refused(customer, evidence="", reason="", name="王小明") == [
        "correction_without_evidence", "correction_without_reason", "correction_of_nothing",
    ]  # fmt: skip


def test_a_document_of_another_or_none_is_refused(hall):
    customer, other = make_customer(home_org=hall), make_customer(home_org=hall)
    theirs = add_document(other, RIGHT, verified_at=NOON)
    wanted = RightDocument("ID_CARD", RIGHT, replaces=theirs.pk)

    assert refused(customer, document=wanted) == [
        "correction_of_no_document", "correction_document_of_another",
    ]  # fmt: skip
    assert refused(customer, document=RightDocument("ID_CARD", "123")) == [
        "identity_number_invalid"
    ]


def test_there_is_no_other_way(hall):
    customer = Customer.objects.select_related("party").get(pk=make_customer(home_org=hall).pk)
    document = add_document(customer, RIGHT)
    customer.party.name = "别人"
    read = PartyIdentification.objects.get(pk=document.pk)
    read.number_hash = b"0" * 16

    for row in (customer.party, read):
        with pytest.raises(KeyFieldChanged):
            row.save()
    read.refresh_from_db()
    read.issuer = "公安局"
    read.save()
