"""The demo operator: what it says it made is there, and it is all of one piece."""

from base64 import b64encode

import phonenumbers
import pytest
from django.core.management import CommandError, call_command

from crm.platform.access.models import Staff
from crm.platform.access.roles import ROLES
from customers.demo.models import DemoOperator, DemoState
from customers.identity import check_number, decrypt_number, hash_number
from customers.models import Customer, PartyIdentification, Subscriber
from customers.search import query_keys
from tests.customers.demo import CUSTOMERS, UNTIL, ask, count, run


@pytest.fixture(scope="module")
def operator(django_db_setup, django_db_blocker):
    """One demo operator for the tests that only look."""
    with django_db_blocker.unblock():
        facts = run()
        yield facts
        call_command("flush", interactive=False, verbosity=0)  # nothing stays for later tests


@pytest.fixture
def look(operator, db):
    return operator


def test_the_answer_counts_what_is_there(look):
    assert look["customers"] == CUSTOMERS == Customer.objects.count()
    assert look["subscribers"] == Subscriber.objects.count()
    assert look["usage_rows"] == count("customers_monthlyusage")
    assert look["bills"] == count("customers_bill")
    assert look["payments"] == count("customers_payment")
    assert look["interactions"] == count("customers_interaction")
    assert look["complaints"] == count("customers_interaction WHERE purpose = 'COMPLAINT'")
    assert look["churned"] == count("customers_subscriber WHERE ended_on IS NOT NULL")


def test_every_document_is_valid_and_nobodys(look):
    for document in PartyIdentification.objects.select_related("party"):
        number = decrypt_number(document.number_encrypted)

        assert check_number(document.kind, number, on=UNTIL) == number
        assert hash_number(document.kind, number) == bytes(document.number_hash)
        if document.kind == "ID_CARD":
            assert number.startswith("99")
            assert number[6:14] == f"{document.party.birth_date:%Y%m%d}"
            assert int(number[16]) % 2 == (document.party.sex == "MALE")
        else:
            assert number.startswith("9199")


def test_mobile_numbers_have_the_shape_of_real_ones_and_were_never_given_to_an_operator(look):
    numbers = Subscriber.objects.filter(product="mobile").values_list("service_number", flat=True)

    for number in numbers:
        assert number.startswith("154") and len(number) == 11 and number.isdigit()
    assert not phonenumbers.is_valid_number(phonenumbers.parse(numbers[0], "CN"))


def test_bills_add_up_and_balances_are_what_is_unpaid(look):
    assert not count(
        "customers_bill WHERE amount_fen <> (SELECT sum(value::bigint) FROM jsonb_each_text(items))"
    )
    assert not count("customers_bill WHERE paid_fen > amount_fen")
    assert not count(
        "customers_billingaccount a JOIN LATERAL (SELECT coalesce(sum(amount_fen), 0) AS billed, "
        "coalesce(sum(amount_fen - paid_fen), 0) AS unpaid FROM customers_bill "
        "WHERE account_id = a.id) b ON true "
        "WHERE a.balance_fen <> -unpaid OR a.billed_total_fen <> billed"
    )
    assert not count(
        "(SELECT account_id, sum(amount_fen) AS fen FROM customers_payment GROUP BY 1) p "
        "FULL JOIN (SELECT account_id, sum(paid_fen) AS fen FROM customers_bill GROUP BY 1) b "
        "USING (account_id) WHERE coalesce(p.fen, 0) <> coalesce(b.fen, 0)"
    )
    assert count("customers_bill WHERE paid_fen > 0 AND paid_fen < amount_fen") > 0
    assert count("customers_billingaccount WHERE status = 'DUNNING'") > 0


def test_a_reversal_takes_back_a_payment_that_is_there(look):
    assert count("customers_payment WHERE amount_fen < 0") > 0
    assert not count(
        "customers_payment r LEFT JOIN customers_payment p ON p.number = r.reversal_of "
        "AND p.amount_fen = -r.amount_fen AND p.paid_at < r.paid_at "
        "WHERE r.amount_fen < 0 AND p.number IS NULL"
    )


def test_nothing_happens_on_a_line_that_is_not_in_service(look):
    assert not count(
        "customers_monthlyusage u JOIN customers_subscriber s ON s.id = u.subscriber_id "
        "WHERE u.month >= s.ended_on OR u.month + interval '1 month' <= s.opened_on"
    )
    assert not count(
        "customers_interaction i JOIN customers_subscriber s ON s.id = i.subscriber_id "
        "WHERE (i.started_at AT TIME ZONE 'Asia/Shanghai')::date "
        "NOT BETWEEN s.opened_on AND coalesce(s.ended_on, 'infinity')"
    )
    assert not count("customers_interaction WHERE started_at >= '2026-11-01 00:00+08'")
    assert not count("customers_payment WHERE paid_at >= '2026-11-01 00:00+08'")


def test_states_follow_each_other_and_end_in_the_present_one(look):
    assert not count(
        "(SELECT *, lead(starts_at) OVER (PARTITION BY subscriber_id ORDER BY starts_at) AS next "
        "FROM customers_subscriberstatusperiod) p WHERE ends_at IS DISTINCT FROM next"
    )
    assert not count(
        "customers_subscriber s LEFT JOIN customers_subscriberstatusperiod p "
        "ON p.subscriber_id = s.id AND p.ends_at IS NULL WHERE p.status IS DISTINCT FROM s.status"
    )
    assert not count(
        "customers_subscriber s WHERE (status = 'SUSPENDED') <> EXISTS (SELECT FROM "
        "customers_servicestop WHERE subscriber_id = s.id AND cleared_at IS NULL)"
    )
    assert count("customers_servicestop WHERE reason = 'ARREARS_FULL'") > 0


def test_customers_leave_in_every_month_at_the_rate_of_an_operator(look):
    rates = [
        float(rate)
        for (rate,) in ask(
            "SELECT avg((coalesce(s.ended_on >= m AND s.ended_on < m + interval '1 month', false))"
            "::int) FROM generate_series(timestamp '2025-11-01', '2026-10-01', '1 month') m "
            "JOIN customers_subscriber s ON s.opened_on < m "
            "AND coalesce(s.ended_on >= m, true) GROUP BY m"
        )
    ]

    assert len(rates) == 12 and min(rates) > 0.005
    assert 0.015 < sum(rates) / 12 < 0.025


def test_those_who_leave_used_less_before(look):
    """The signal is in the tables before the event, where a model can find it."""
    lost, kept = (
        float(ask(
            "SELECT avg((last.data_kb < 0.7 * earlier.kb)::int) FROM customers_subscriber s "
            "JOIN customers_monthlyusage last ON last.subscriber_id = s.id "
            "AND last.month = '2026-08-01' JOIN LATERAL (SELECT avg(data_kb) AS kb "
            "FROM customers_monthlyusage WHERE subscriber_id = s.id "
            "AND month BETWEEN '2026-05-01' AND '2026-07-01' HAVING count(*) = 3) earlier ON true "
            f"WHERE coalesce(s.ended_on >= '2026-09-01', true) AND {who}"
        )[0][0])
        for who in ("s.ended_on IS NOT NULL", "s.ended_on IS NULL")
    )  # fmt: skip
    assert lost > 2 * kept


def test_the_mechanism_says_how_well_it_can_be_known(look):
    assert 0.80 < look["best_auc"] < 0.92
    assert 0.015 < look["label_rate"] < 0.03
    facts = DemoOperator.objects.get()
    assert (facts.state, facts.facts["best_auc"]) == (DemoState.READY, look["best_auc"])


def test_some_accounts_have_thousands_of_rows(look):
    assert (
        count("(SELECT customer_id FROM customers_payment GROUP BY 1 HAVING count(*) > 1000) h")
        == 3
    )
    assert (
        count("(SELECT customer_id FROM customers_interaction GROUP BY 1 HAVING count(*) > 1000) h")
        == 3
    )


def test_a_customer_is_found_by_name_number_and_document(look):
    party = PartyIdentification.objects.filter(kind="ID_CARD").first().party
    number = decrypt_number(party.identifications.get().number_encrypted)
    phone = party.customer.subscribers.filter(product="mobile").first().service_number

    for typed in (party.name, number, phone, phone[-6:], party.customer.number):
        found = {
            customer
            for prefix in query_keys(typed)
            for (customer,) in ask(
                "SELECT customer_id FROM customers_searchkey WHERE key LIKE %s", f"{prefix.text}%"
            )
        }
        assert party.customer.pk in found


def test_most_agreed_to_something_and_some_withdrew_it(look):
    """By the rule itself: who may get an offer by SMS, at an hour at which nobody minds."""
    verdicts = dict(
        ask(
            "SELECT customers_contact_verdict(party_id, 'MARKETING', 'SMS', "
            "'2026-11-02 11:00+08', 'Asia/Shanghai'), count(*) FROM customers_customer GROUP BY 1"
        )
    )

    assert 0.4 < verdicts["allowed"] / CUSTOMERS < 0.62
    assert 0.02 < verdicts["withdrawn"] / CUSTOMERS < 0.12
    assert verdicts.keys() == {
        "allowed", "withdrawn", "no_consent", "do_not_contact", "outside_window",
    }  # fmt: skip
    assert not count(
        "customers_consent c JOIN customers_customer u USING (party_id) "
        "WHERE (decided_at AT TIME ZONE 'Asia/Shanghai')::date "
        "NOT BETWEEN opened_on AND '2026-10-31'"
    )
    assert not count(
        "(SELECT id, lag(id) OVER (PARTITION BY party_id ORDER BY decided_at, id) AS before "
        "FROM customers_consent) c WHERE before > id"
    )
    assert count("customers_contactpreference") > 0.1 * CUSTOMERS


def test_the_demo_staff_have_their_roles_and_places(look):
    staff = Staff.objects.filter(is_demo=True, is_system=False)
    assert {account.staff_code for account in staff} == set(ROLES)
    for account in staff:
        assert [group.name for group in account.groups.all()] == [account.staff_code]
        assert account.check_password("demo")
    assert Customer.objects.visible_to(staff.get(staff_code="accountmanager")).exists()
    seen = Customer.objects.visible_to(staff.get(staff_code="clerk")).count()
    assert 0.3 * CUSTOMERS < seen < 0.7 * CUSTOMERS


def test_the_billing_system_gets_a_token(look, client):
    answer = client.post(
        "/oauth/token/",
        {"grant_type": "client_credentials"},
        headers={"authorization": "Basic " + b64encode(b"billing:billing-demo-secret").decode()},
    )

    assert answer.status_code == 200 and answer.json()["access_token"]


def test_a_second_one_is_refused(look):
    with pytest.raises(CommandError, match="already"):
        run()
