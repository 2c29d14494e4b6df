"""What a page keeps for everybody holds nothing of anybody."""

import pytest
from django.template import Context, Engine
from django.utils import translation

from tests.factories import make_province, make_staff


def template_of(text):
    engine = Engine(
        libraries={
            "constant": "crm.platform.ui.templatetags.constant",
            "i18n": "django.templatetags.i18n",
        }
    )
    return engine.from_string("{% load constant i18n %}" + text)


def test_nothing_of_the_request_gets_into_it():
    template = template_of("{% constant %}[{{ user }}{{ request }}]{% endconstant %}{{ user }}")

    assert template.render(Context({"user": "zhang"})) == "[]zhang"
    assert template.render(Context({"user": "li"})) == "[]li"


def test_it_is_made_once_for_each_value_it_names():
    made = []

    class Spy:
        def __str__(self):
            made.append(1)
            return "spy"

    spy, other = Spy(), Spy()
    template = template_of("{% constant what %}{{ what }}{% endconstant %}")

    for what in (spy, spy, other, spy):
        assert template.render(Context({"what": what})) == "spy"
    assert len(made) == 2


def test_a_name_without_a_value_is_empty():
    template = template_of("{% constant places %}[{{ places }}]{% endconstant %}")

    assert template.render(Context()) == "[None]"


def test_each_language_has_its_own():
    template = template_of('{% constant %}{% translate "Yes" %}{% endconstant %}')

    for language, said in (("en", "Yes"), ("de", "Ja"), ("en", "Yes")):
        with translation.override(language):
            assert template.render(Context()) == said


@pytest.mark.django_db
def test_each_role_keeps_its_own_navigation(client):
    hall = make_province()["a_hall"]
    pages = {}
    for n, role in enumerate(("clerk", "admin", "clerk", "admin")):
        client.force_login(make_staff(role, org=hall, name=f"Somebody {n}"))
        frame, _main, _page = client.get("/").content.decode().partition("<main")
        links = frame.partition('class="side-nav"')[2].partition("</nav>")[0]
        assert pages.setdefault(role, links) == links
        assert frame.count("Somebody") == frame.count(f"Somebody {n}") == 2

    assert pages["clerk"] != pages["admin"]
