"""`/customers/<number>/consents/`: what a customer allows and wishes, at a desk."""

from datetime import timedelta

import pytest
from django.utils import timezone

from crm.platform.audit.models import AccessRecord
from customers.models import Consent, ContactPreference
from customers.services import Proof, Wishes, give_consent, set_preferences, withdraw_consent
from tests.factories import make_customer, make_staff

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def clerk(province, client):
    staff = make_staff("clerk", org=province["a_hall"])
    client.force_login(staff)
    return staff


@pytest.fixture
def wang(province):
    return make_customer(home_org=province["a_hall"], name="王小明")


def url(customer, what="consents"):
    return f"/customers/{customer.number}/{what}/"


def decide(client, customer, decision="GIVEN", **given):
    form = {
        "purpose": "MARKETING", "channels": ["SMS"], "source": "COUNTER",
        "evidence": "Form 17", "decision": decision,
    }  # fmt: skip
    headers = given.pop("headers", {})
    return client.post(url(customer), form | given, headers=headers)


def wishes(client, customer, seen=0, headers=None, **given):
    form = {"window_days": [1, 2, 3, 4, 5, 6, 7], "seen": seen}
    return client.post(url(customer, "preferences"), form | given, headers=headers or {})


def test_a_consent_and_a_withdrawal_by_one_form(client, clerk, wang):
    answer = decide(client, wang, follow=True)
    assert answer.status_code == 302 and answer["Location"] == url(wang)

    page = client.get(url(wang)).content.decode()
    assert "The consent is written down." in page
    assert "Form 17" in page and clerk.staff_code in page
    decide(client, wang, "WITHDRAWN", channels=[], evidence="")

    rows = Consent.objects.order_by("id")
    assert [(r.state, r.channel, r.staff, r.source) for r in rows] == [
        ("GIVEN", "SMS", clerk, "COUNTER"), ("WITHDRAWN", "", clerk, "COUNTER"),
    ]  # fmt: skip
    assert "every channel" in client.get(url(wang)).content.decode()


def test_with_htmx_the_panel_alone_comes_back(client, clerk, wang):
    answer = decide(client, wang, headers=HTMX)

    page = answer.content.decode()
    assert answer.status_code == 200 and "<html" not in page
    assert "The consent is written down." in page and 'id="consents"' in page
    assert "written down already" in decide(client, wang, headers=HTMX).content.decode()
    assert "HX-Request" in answer["Vary"] and "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_refusal_speaks_and_keeps_what_was_typed(client, clerk, wang, headers):
    answer = decide(
        client, wang, channels=[], evidence="", expires_on="2001-01-01", headers=headers
    )

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Choose the channels" in page and "Say what shows" in page and "ended already" in page
    assert 'value="2001-01-01"' in page
    assert not Consent.objects.exists()


def test_nonsense_is_refused_with_its_field(client, clerk, wang):
    answer = decide(client, wang, purpose="FUN")

    assert answer.status_code == 409 and "For what" in answer.content.decode()


def test_the_last_day_counts(client, clerk, wang):
    today = timezone.localdate()

    decide(client, wang, expires_on=today.isoformat())

    ends = timezone.localtime(Consent.objects.get().expires_at)
    assert (ends.date(), ends.hour) == (today + timedelta(days=1), 0)


def test_a_link_of_the_matrix_fills_the_form_in(client, clerk, wang):
    page = client.get(f"{url(wang)}?purpose=SURVEY&channels=CALL").content.decode()

    assert '<option value="SURVEY" selected>' in page
    assert page.index('value="GIVEN"') < page.index('value="WITHDRAWN"')  # what Enter presses
    stops = client.get(f"{url(wang)}?purpose=SURVEY&decision=WITHDRAWN").content.decode()
    assert stops.index('value="WITHDRAWN"') < stops.index('value="GIVEN"')
    assert 'value="CALL" class="form-check-input" id="id_channels_1" checked' in page


def test_preferences_are_saved_and_said(client, clerk, wang):
    assert wishes(client, wang, window_starts="09:00", window_ends="20:30").status_code == 302
    held = ContactPreference.objects.get()

    page = client.get(url(wang)).content.decode()

    assert 'value="09:00"' in page and f'name="seen" value="{held.pk}"' in page
    bad = wishes(client, wang, seen=held.pk, window_days=[], window_starts="x", headers=HTMX)
    assert bad.status_code == 409
    backwards = wishes(client, wang, held.pk, window_starts="20:00", window_ends="09:00")
    assert backwards.status_code == 409 and "end after it begins" in backwards.content.decode()


def test_the_second_of_two_editors_is_told_what_the_first_saved(client, clerk, wang):
    wishes(client, wang, seen=0, language="en")

    answer = wishes(client, wang, seen=0, preferred_channel="WECHAT", headers=HTMX)

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Saved by somebody else meanwhile" in page and "<dd>English</dd>" in page
    assert '<option value="WECHAT" selected>' in page
    held = ContactPreference.objects.get()
    assert held.language == "en" and f'name="seen" value="{held.pk}"' in page
    assert wishes(client, wang, held.pk, preferred_channel="WECHAT").status_code == 302


def test_do_not_contact_is_seen_first(client, clerk, wang):
    set_preferences(
        customer_id=wang.pk, wishes=Wishes(do_not_contact="LEGAL"), seen=None, actor=None,
        at=timezone.now(),
    )  # fmt: skip

    assert "Court, police or regulator" in client.get(url(wang)).content.decode()


def test_the_card_of_the_customer_page_is_short(client, clerk, wang):
    card = client.get(f"{url(wang)}?card", headers=HTMX).content.decode()

    assert "<form" not in card and "Never given" in card and url(wang) in card


def test_what_held_at_a_past_moment(client, clerk, wang):
    give_consent(
        customer_id=wang.pk, purpose="MARKETING", channels=["SMS"], proof=Proof("WEB", "click"),
        actor=None, at=timezone.now(),
    )  # fmt: skip
    before = timezone.now()
    withdraw_consent(
        customer_id=wang.pk, purpose="MARKETING", proof=Proof("SMS"), actor=None,
        at=before + timedelta(microseconds=1),
    )  # fmt: skip

    past = client.get(url(wang), {"as_of": before.isoformat()})
    now = client.get(url(wang)).content.decode()

    assert "An offer then?" in past.content.decode() and "Withdrawn" not in past.content.decode()
    assert "<form" not in past.content.decode().split("<main")[1].split("</main>")[0]
    assert "Withdrawn" in now
    long_ago = client.get(url(wang), {"as_of": "2001-01-01", "card": ""}, headers=HTMX)
    assert "Given" not in long_ago.content.decode()
    assert client.get(url(wang), {"as_of": "soon"}).status_code == 400


def test_the_customer_page_fetches_the_card(client, clerk, wang, partitions):
    page = client.get(f"/customers/{wang.number}/").content.decode()

    assert f'hx-get="{url(wang)}?card"' in page and f'href="{url(wang)}"' in page


def test_long_histories_are_paged(client, clerk, wang):
    for n in range(12):
        withdraw_consent(
            customer_id=wang.pk, purpose="MARKETING", channels=["SMS"],
            proof=Proof("SMS", f"message {n:03}"), actor=None, at=timezone.now(),
        )  # fmt: skip

    page = client.get(url(wang))
    history = page.context["history"]
    assert [row.evidence for row in history.rows] == [f"message {n:03}" for n in range(11, 1, -1)]
    older = client.get(url(wang), {"cursor": history.next})
    assert [row.evidence for row in older.context["history"].rows] == ["message 001", "message 000"]
    assert client.get(url(wang), {"cursor": "x"}).status_code == 400


@pytest.mark.parametrize("n", [0, 1, 50])
def test_the_number_of_questions_does_not_grow(
    client, clerk, wang, n, django_assert_max_num_queries
):
    for number in range(n):
        give_consent(
            customer_id=wang.pk, purpose="MARKETING", channels=["SMS", "CALL"],
            proof=Proof("WEB", f"click {number}"), actor=clerk, at=timezone.now(),
        )  # fmt: skip
    with django_assert_max_num_queries(10):
        client.get(url(wang))


def test_a_look_is_written_down(client, clerk, wang):
    client.get(url(wang))

    row = AccessRecord.objects.latest("at")
    assert (row.object_type, row.customer_id, row.staff) == (
        "customers.customer.consents", wang.pk, clerk,
    )  # fmt: skip


def test_a_strangers_customer_is_not_there(client, clerk, province):
    stranger = make_customer(home_org=province["b_hall"])

    assert client.get(url(stranger)).status_code == 404
    assert decide(client, stranger).status_code == 404
    assert wishes(client, stranger).status_code == 404
    assert not Consent.objects.exists() and not ContactPreference.objects.exists()


@pytest.mark.parametrize(
    ("role", "reads", "changes"),
    [
        ("clerk", 200, 302), ("agent", 200, 302), ("hallmanager", 200, 302),
        ("teamlead", 200, 302), ("dispatcher", 200, 302),
        ("auditor", 200, 403), ("manager", 200, 403),
        ("marketer", 403, 403), ("analyst", 403, 403), ("admin", 403, 403),
    ],
)  # fmt: skip
def test_who_may(client, province, wang, role, reads, changes):
    client.force_login(make_staff(role, org=province["a_hall"]))

    page = client.get(url(wang))

    assert page.status_code == reads
    assert decide(client, wang).status_code == changes
    assert wishes(client, wang, language="en").status_code == changes
    assert bool(Consent.objects.exists()) == (changes == 302)
    if changes == 403 and reads == 200:
        assert "<form" not in page.content.decode().split('id="consents"')[1].split("</main>")[0]
