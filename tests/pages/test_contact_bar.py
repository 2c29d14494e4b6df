"""Serving somebody: begun by one key, led from the bar, finished by one key."""

import pytest
from django.test import Client

from crm.platform.audit.models import AccessAction, AccessRecord
from customers.models import DeskContact, Interaction
from customers.selectors import current_interaction
from tests.factories import make_customer, make_staff, make_subscriber

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def clerk(province, client, partitions):
    staff = make_staff("clerk", org=province["a_hall"])
    client.force_login(staff)
    return staff


@pytest.fixture
def wang(province):
    return make_customer(home_org=province["a_hall"], name="王小明")


@pytest.fixture
def li(province):
    return make_customer(home_org=province["a_hall"], name="李大海")


def serve(client, customer, **given):
    return client.post(f"/customers/{customer.number}/serve/", given)


def act(client, contact, name, htmx=True, **given):
    return client.post(f"/contacts/{contact.id}/{name}/", given, headers=HTMX if htmx else {})


def bar(client):
    return client.get("/").content.decode()


def test_looking_opens_nothing(client, clerk, wang):
    page = client.get(f"/customers/{wang.number}/").content.decode()

    assert 'data-hotkey="o"' in page
    assert "contact-bar-empty" in page
    assert not Interaction.objects.exists()


@pytest.mark.parametrize(
    ("role", "channel"),
    [("clerk", "COUNTER"), ("agent", "CALL"), ("accountmanager", "VISIT")],
)
def test_one_press_opens_it_in_the_channel_of_the_desk(client, province, wang, role, channel):
    staff = make_staff(role, org=province["a_hall"])
    wang.manager = staff
    wang.save()
    client.force_login(staff)

    answer = serve(client, wang)

    assert answer.url == f"/customers/{wang.number}/"
    assert current_interaction(staff).channel == channel
    page = bar(client)
    assert "王*明" in page
    assert "王小明" not in page
    assert ("Card reader" in page) == (channel != "CALL")


def test_from_serving_to_finished(client, clerk, wang):
    serve(client, wang)
    contact = current_interaction(clerk)

    identified = act(client, contact, "identify", method="CARD_READER").content.decode()
    finished = act(client, contact, "finish", purpose="BUSINESS", result="Done")

    assert "Card reader" in identified
    assert "contact-bar-empty" in finished.content.decode()
    kept = Interaction.objects.get()
    assert (kept.state, kept.purpose, kept.result) == ("CLOSED", "BUSINESS", "Done")
    assert kept.auth_method == "CARD_READER"


def test_another_customer_is_asked_about_first(client, clerk, wang, li):
    serve(client, wang)

    asked = serve(client, li)

    page = asked.content.decode()
    assert asked.status_code == 409
    assert "You are serving another customer." in page
    assert current_interaction(clerk).customer_id == wang.pk

    serve(client, li, in_hand="park")
    assert current_interaction(clerk).customer_id == li.pk
    assert "1 parked" in bar(client)

    parked = DeskContact.objects.exclude(parked_at=None).get()
    client.post(f"/contacts/{parked.interaction_id}/resume/")
    assert current_interaction(clerk).customer_id == wang.pk

    serve(client, li, in_hand="finish")
    assert Interaction.objects.get(customer_id=wang.pk).state == "CLOSED"


def test_a_second_press_of_finish_is_told_and_harmless(client, clerk, wang):
    serve(client, wang)
    contact = current_interaction(clerk)
    act(client, contact, "finish", result="Done")

    again = act(client, contact, "finish", result="Other")

    assert again.status_code == 409
    assert "finished already" in again.content.decode()
    assert Interaction.objects.get().result == "Done"


@pytest.mark.parametrize(
    ("name", "given"),
    [("identify", {"method": "MAGIC"}), ("identify", {}), ("finish", {"purpose": "FUN"})],
)
def test_what_is_no_choice_is_refused(client, clerk, wang, name, given):
    serve(client, wang)

    answer = act(client, current_interaction(clerk), name, **given)

    assert answer.status_code == 409
    assert Interaction.objects.get().state == "OPEN"


def test_nobody_leads_the_contact_of_another(client, clerk, province, wang):
    serve(client, wang)
    contact = current_interaction(clerk)
    client.force_login(make_staff("clerk", org=province["a_hall"]))

    for name in ("identify", "park", "resume", "finish"):
        assert act(client, contact, name, method="FACE").status_code == 409
    assert act(client, contact, "delete").status_code == 404
    assert current_interaction(clerk).id == contact.id


def test_a_stranger_cannot_be_served(client, clerk, province):
    stranger = make_customer(home_org=province["b_hall"])

    assert serve(client, stranger).status_code == 404
    assert not Interaction.objects.exists()


@pytest.mark.parametrize("role", ["auditor", "manager", "analyst", "marketer", "admin"])
def test_who_serves_nobody_has_neither_bar_nor_door(client, province, wang, role):
    client.force_login(make_staff(role, org=province["p"]))

    assert serve(client, wang).status_code == 403
    assert client.get("/contacts/bar/").status_code == 403
    assert "contact-bar" not in client.get("/").content.decode().replace("contacts.css", "")


def test_without_javascript_the_page_comes_back(client, clerk, wang):
    serve(client, wang)
    contact = current_interaction(clerk)

    ours = act(client, contact, "park", htmx=False, next=f"/customers/{wang.number}/")
    theirs = act(client, contact, "resume", htmx=False, next="https://evil.example/")

    assert ours.url == f"/customers/{wang.number}/"
    assert theirs.url == "/"


def test_the_bar_costs_one_question(client, clerk, wang, li, django_assert_num_queries):
    client.get("/contacts/bar/")
    for customer in (wang, li):
        serve(client, customer, in_hand="park")

    with django_assert_num_queries(3):  # the session, the account, the bar
        client.get("/contacts/bar/")


class TestShowingAField:
    @pytest.fixture(autouse=True)
    def line(self, wang):
        line = make_subscriber(customer=wang, service_number="13812345678")
        self.url = f"/customers/{wang.number}/show/line-{line.pk}/"

    def show(self, client, reason):
        answer = client.post(self.url, {"reason": reason}, headers=HTMX)
        assert answer.status_code == 200
        return AccessRecord.objects.filter(action=AccessAction.UNMASK).latest("at").interaction_id

    def test_the_reason_that_they_are_here_begins_a_contact(self, client, clerk, wang):
        noted = self.show(client, "Customer is present and identified")

        assert noted == current_interaction(clerk).id
        assert "王*明" in bar(client)

    def test_another_reason_does_not(self, client, clerk):
        assert self.show(client, "Correcting the record") is None
        assert not Interaction.objects.exists()

    def test_within_a_contact_it_is_noted_whatever_the_reason(self, client, clerk, wang):
        serve(client, wang)

        assert self.show(client, "Correcting the record") == current_interaction(clerk).id

    def test_somebody_elses_contact_is_not_mixed_in(self, client, clerk, wang, li):
        serve(client, li)

        assert self.show(client, "Customer is present and identified") is None
        assert current_interaction(clerk).customer_id == li.pk


def test_a_form_of_another_site_opens_nothing(clerk, wang):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(clerk)

    assert strict.post(f"/customers/{wang.number}/serve/").status_code == 403
