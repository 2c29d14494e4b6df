"""Files still name the old numbers after a merge; they are the survivor's now."""

import pytest

from customers.merging.merge import merge_customers
from customers.models import BillingAccount, Interaction, Party, Subscriber
from tests.customers.merging import NOON, make_full, make_months
from tests.factories import make_province
from tests.feeds.files import imported

pytestmark = pytest.mark.django_db


@pytest.fixture
def bring(tmp_path):
    def bring(feed, text):
        path = tmp_path / "file.csv"
        path.write_text(text, "utf-8")
        return imported(feed, path)

    return bring


@pytest.fixture
def both(db):
    make_months()
    hall = make_province()["a_hall"]
    survivor = make_full(home_org=hall, name="王小明")
    absorbed = make_full(home_org=hall, name="王晓明", number="AB123456")
    merge_customers(survivor_id=survivor.pk, absorbed_id=absorbed.pk, actor=None, at=NOON)
    return survivor, absorbed


def test_a_new_line_and_account_under_the_old_number_are_the_survivors(both, bring):
    survivor, absorbed = both

    batch = bring(
        "customers",
        "customer_number,name,account_number,subscriber_number,phone\n"
        f"{absorbed.number},王晓明,NEWACC,NEWSUB,13711112222\n"
        f"{survivor.number},王小明,,,13711112222\n",
    )

    assert (batch.created, batch.rejected) == (0, 0)
    assert Subscriber.objects.get(number="NEWSUB").customer == survivor
    assert BillingAccount.objects.get(number="NEWACC").customer == survivor
    assert survivor.party.media.filter(value="13711112222").count() == 1
    assert not absorbed.subscribers.exists()


def test_the_old_record_in_a_file_does_not_overrule_the_name_chosen(both, bring):
    survivor, absorbed = both

    bring("customers", f"customer_number,name\n{absorbed.number},别人\n")

    assert Party.objects.get(pk=survivor.party_id).name == "王小明"
    assert Party.objects.get(pk=absorbed.party_id).name == "王晓明"


def test_the_same_file_twice_changes_nothing(both, bring):
    survivor, absorbed = both
    rows = (
        "customer_number,name,phone\n"
        f"{absorbed.number},王晓明,13711112222\n{survivor.number},王小明,13711112222\n"
    )
    bring("customers", rows)

    again = bring("customers", rows + "\n")

    assert (again.created, again.updated, again.rejected) == (0, 0, 0)


def test_accounts_lines_and_contacts_under_the_old_number(both, bring):
    survivor, absorbed = both
    line = Subscriber.objects.filter(customer=survivor).latest("pk")

    made = [
        bring("accounts", f"account_number,customer_number\nACC2,{absorbed.number}\n"),
        bring("subscribers", f"subscriber_number,customer_number\nSUB2,{absorbed.number}\n"),
        bring(
            "interactions",
            "interaction_number,customer_number,subscriber_number,started_at,channel,purpose\n"
            f"I1,{absorbed.number},{line.number},2026-03-09 10:00:00,CALL,ENQUIRY\n",
        ),
    ]

    assert [batch.rejected for batch in made] == [0, 0, 0]
    assert BillingAccount.objects.get(number="ACC2").customer == survivor
    assert Subscriber.objects.get(number="SUB2").customer == survivor
    assert Interaction.objects.get(number="I1").customer_id == survivor.pk
