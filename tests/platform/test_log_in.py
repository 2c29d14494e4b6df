import pytest
from django.conf import settings
from django.urls import reverse

from crm.platform.access.models import Staff
from tests.factories import make_staff

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def clerk():
    staff = make_staff("clerk")
    staff.set_password(PASSWORD)
    staff.save()
    return staff


def log_in(client, code, password=PASSWORD, **more):
    return client.post("/login/", {"username": code, "password": password, **more})


def test_the_right_password_opens_the_desk(client, clerk):
    assert log_in(client, clerk.staff_code).url == "/"
    assert client.get("/").status_code == 200


def test_a_page_asks_who_is_there_first(client):
    assert client.get("/").url == "/login/?next=/"


def test_a_wrong_password_and_an_unknown_code_sound_alike(client, clerk):
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    wrong = log_in(client, clerk.staff_code, "nonsense").content.decode()
    unknown = log_in(client, "nobody", "nonsense").content.decode()

    sentence = "The staff code or the password is not right."
    assert sentence in wrong
    assert sentence in unknown


def test_a_code_longer_than_any_is_wrong_and_nothing_worse(client, clerk):
    answer = log_in(client, "9" * 5000)

    assert answer.status_code == 200
    assert "Ensure this value has at most" in answer.content.decode()


def test_an_account_that_was_closed_cannot_enter(client, clerk):
    Staff.objects.update(is_active=False)

    assert log_in(client, clerk.staff_code).status_code == 200
    assert "_auth_user_id" not in client.session


def test_after_five_wrong_passwords_the_page_says_until_when(client, clerk):
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    for _ in range(5):
        response = log_in(client, clerk.staff_code, "nonsense")

    assert response.status_code == 429
    assert response["Retry-After"] == "900"
    assert "It is closed here until" in response.content.decode()
    assert log_in(client, clerk.staff_code).status_code == 429


@pytest.mark.parametrize(
    "url", ["//evil.example", "https://evil.example/", "/\\evil.example", "/login/"]
)
def test_next_leads_nowhere_else(client, clerk, url):
    assert log_in(client, clerk.staff_code, next=url).url == "/"


def test_next_leads_to_a_page_of_ours(client, clerk):
    assert log_in(client, clerk.staff_code, next="/models/?x=1").url == "/models/?x=1"


def test_who_is_logged_in_goes_home(client, clerk):
    client.force_login(clerk)

    assert client.get("/login/").url == "/"
    assert client.get("/login/?next=/login/").url == "/"


def test_logging_out_needs_a_post_and_ends_the_session(client, clerk):
    client.force_login(clerk)

    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/").url == "/login/"
    assert client.get("/").status_code == 302


def test_the_accounts_language_comes_with_it(client, clerk):
    Staff.objects.update(language="en")

    log_in(client, clerk.staff_code)

    assert client.cookies[settings.LANGUAGE_COOKIE_NAME].value == "en"
    assert "Log out" in client.get("/").content.decode()


def test_a_language_picked_before_log_in_stays_with_the_account(client, clerk):
    client.post(reverse("language"), {"language": "en", "next": "/login/"})
    log_in(client, clerk.staff_code)

    clerk.refresh_from_db()
    assert clerk.language == "en"


def test_a_language_picked_inside_stays_with_the_account(client, clerk):
    client.force_login(clerk)

    client.post(reverse("language"), {"language": "en", "next": "/"})
    client.post(reverse("language"), {"language": "xx", "next": "/"})

    clerk.refresh_from_db()
    assert clerk.language == "en"


def test_demo_accounts_are_named_on_an_embedded_stack_only(client, clerk, settings):
    settings.EMBEDDED = True
    assert clerk.staff_code not in client.get("/login/").content.decode()

    Staff.objects.update(is_demo=True)
    assert clerk.staff_code in client.get("/login/").content.decode()

    settings.EMBEDDED = False
    assert clerk.staff_code not in client.get("/login/").content.decode()


def test_a_fragment_asked_for_after_the_session_ended_sends_the_page_to_log_in(client):
    response = client.get("/login/?next=/x/", headers={"HX-Request": "true"})

    assert response["HX-Redirect"] == "/login/"
