"""Pairs that may be one customer, found set-based, scored by a stated rule."""

from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.platform.jobs.inline import run_inline
from customers.feeds.search_keys import remake_keys
from customers.merging.candidates import CandidateRefused, find_duplicates, reject_candidate
from customers.merging.evidence import SHARED_BY_MOST, score_of
from customers.models import Customer, DuplicateCandidate, Party
from tests.customers.merging import NOON, add_document, add_medium, make_months
from tests.factories import make_customer, make_org, make_staff, make_subscriber

pytestmark = pytest.mark.django_db
ID = "320102199001011234"


@pytest.fixture(autouse=True)
def months(db):
    make_months()


def index():
    remake_keys(list(Customer.objects.values_list("pk", flat=True)))


def find(**given):
    index()
    return find_duplicates(**({"between": (0, 1 << 60), "at": NOON} | given))


def found():
    return {
        (c.left_id, c.right_id): (c.score, c.evidence) for c in DuplicateCandidate.objects.all()
    }


def two(**given):
    return make_customer(name="王小明", **given), make_customer(name="李四", **given)


def test_the_same_document_is_found_verified_or_not():
    one, other = two()
    add_document(one, ID)
    add_document(other, ID, verified_at=NOON)

    assert find().pairs == 1
    assert found() == {(one.pk, other.pk): (70, {"identity": 1})}


def test_the_same_phone_is_found_whether_a_contact_or_a_line():
    one, other = two()
    line = make_subscriber(customer=other)
    add_medium(one, line.service_number)

    find()

    assert found() == {(one.pk, other.pk): (30, {"phone": 1})}


def test_a_number_given_up_is_no_evidence():
    one, other = two()
    line = make_subscriber(customer=other, status="TERMINATED", ended_on=date(2026, 1, 1))
    add_medium(one, line.service_number)

    assert find().pairs == 0


def test_names_of_one_reading_need_an_address_or_a_birth_date():
    one, other = make_customer(name="张伟"), make_customer(name="章伟")
    make_customer(name="张伟")
    for customer in (one, other):
        add_medium(customer, "南京市玄武区中山路1号", kind="ADDRESS")
        Party.objects.filter(pk=customer.party_id).update(birth_date=date(1990, 1, 1))

    find()

    assert found() == {(one.pk, other.pk): (50, {"like_name": 1, "address": 1, "birth_date": 1})}


def test_a_household_at_one_address_is_not_one_customer():
    one, other = two()
    for customer in (one, other):
        add_medium(customer, "南京市玄武区中山路1号", kind="ADDRESS")

    assert find().pairs == 0


def test_a_person_and_a_firm_are_no_pair():
    one, firm = make_customer(), make_customer(kind="ORGANISATION")
    for customer in (one, firm):
        add_medium(customer, "13800000001")

    assert find().pairs == 0


def test_what_too_many_share_is_passed_over_and_counted():
    for _n in range(SHARED_BY_MOST + 1):
        add_medium(make_customer(), "13800000001")

    result = find()

    assert (result.pairs, result.skipped_keys) == (0, 1)
    Customer.objects.latest("pk").party.media.all().delete()
    assert find().pairs == SHARED_BY_MOST * (SHARED_BY_MOST - 1) // 2


def test_the_score_is_the_sum_and_the_same_in_the_database():
    one, other = make_customer(), make_customer()
    for customer in (one, other):
        add_document(customer, ID)
        add_medium(customer, "13800000001")

    find()

    ((score, evidence),) = found().values()
    assert score == score_of(evidence) == 100


def test_only_those_asked_for_are_looked_at():
    one, other = two()
    for customer in (one, other, make_customer(), make_customer()):
        add_medium(customer, "13800000001")

    find(between=(0, 0), of=[one.pk])

    assert len(found()) == 3 and all(one.pk in pair for pair in found())


def test_what_is_no_longer_shared_is_forgotten():
    one, other = two()
    add_medium(one, "13800000001")
    medium = add_medium(other, "13800000001")
    find()

    medium.delete()
    find()

    assert found() == {}


def test_a_rejected_pair_comes_back_only_for_more():
    one, other = two(home_org=make_org())
    for customer in (one, other):
        add_medium(customer, "13800000001")
    find()
    pair = DuplicateCandidate.objects.get()
    reject_candidate(candidate_id=pair.pk, actor=make_staff(), at=NOON, reason="siblings")

    find()
    pair.refresh_from_db()
    assert pair.status == "REJECTED"
    for customer in (one, other):
        add_document(customer, ID)
    find()

    pair.refresh_from_db()
    assert (pair.status, pair.evidence) == ("OPEN", {"phone": 1, "identity": 1})


def test_a_rejection_needs_a_reason_and_happens_once():
    one, other = two()
    for customer in (one, other):
        add_medium(customer, "13800000001")
    find()
    pair, staff = DuplicateCandidate.objects.get(), make_staff()

    with pytest.raises(CandidateRefused):
        reject_candidate(candidate_id=pair.pk, actor=staff, at=NOON, reason=" ")
    reject_candidate(candidate_id=pair.pk, actor=staff, at=NOON, reason="siblings")
    with pytest.raises(CandidateRefused):
        reject_candidate(candidate_id=pair.pk, actor=staff, at=NOON, reason="siblings")


def test_the_questions_do_not_grow_with_the_customers():
    def asked(customers):
        for _n in range(customers):
            add_medium(make_customer(), "13800000001")
        index()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            find_duplicates(between=(0, 1 << 60), at=NOON)
        return len(queries)

    assert asked(2) == asked(10)


def test_the_job_says_what_it_found():
    one, other = two()
    for customer in (one, other):
        add_medium(customer, "13800000001")
    index()

    result = run_inline("customers.find_duplicates", {})

    assert result["pairs"] == result["written"] == 1
    since = datetime(2200, 1, 1, tzinfo=UTC).isoformat()
    assert run_inline("customers.find_duplicates", {"since": since})["pairs"] == 0
