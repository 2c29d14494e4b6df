"""Saved views: own and shared, with whose rows they show, and what happens to them."""

import pytest

from customers.models import DefaultView, ListKind, SavedView
from tests.factories import make_customer, make_staff

pytestmark = pytest.mark.django_db
VIP = [{"field": "category", "op": "is", "values": ["VIP"]}]


def logged_in(client, role, org):
    staff = make_staff(role, org=org)
    client.force_login(staff)
    return staff


def saved(owner, **given):
    fields = {"kind": ListKind.CUSTOMERS, "name": "VIPs", "conditions": VIP}
    return SavedView.objects.create(owner=owner, **fields | given)


def test_a_list_is_kept_and_opened_again(client, province):
    staff = logged_in(client, "manager", province["p"])
    vip = make_customer(home_org=province["a"], category="VIP")
    other = make_customer(home_org=province["a"])

    answer = client.post(
        "/lists/customers/views/new/?category=VIP&cols=name,star&sort=newest",
        {"name": " Our  VIPs ", "sharing": ""},
    )
    page = client.get(answer["Location"]).content.decode()

    view = SavedView.objects.get(owner=staff)
    assert (view.name, view.conditions, view.columns, view.order) == (
        "Our VIPs", VIP, ["name", "star"], "newest",
    )  # fmt: skip
    assert vip.number in page and other.number not in page
    assert '<th scope="col" class="number">Stars</th>' in page and ">Category</th>" not in page


@pytest.mark.parametrize("org, role, sees", [
    ("p", "manager", True), ("a", "manager", True), ("a_hall", "manager", True),
    ("b", "manager", False), ("b_hall", "hallmanager", False),
])  # fmt: skip
def test_a_view_of_a_unit_is_for_those_below_it_with_their_own_rows(
    client, province, org, role, sees
):
    view = saved(make_staff("manager", org=province["p"]), org=province["a"] if not sees else
                 province["p"] if org == "p" else province["a"])  # fmt: skip
    logged_in(client, role, province[org])
    inside = make_customer(home_org=province["a"], category="VIP")
    stranger = make_customer(home_org=make_staff().org, category="VIP")

    tabs = client.get("/lists/customers/views/").content.decode()
    page = client.get(f"/customers/?view={view.pk}").content.decode()

    assert ("VIPs" in tabs) == sees
    assert ("Category is VIP" in page) == sees
    assert (inside.number in page) == (org != "b_hall")
    assert stranger.number not in page


def test_a_view_of_a_role_is_for_its_holders_alone(client, province):
    from crm.platform.access.models import Role

    view = saved(make_staff("manager"), role=Role.objects.get(code="auditor"))

    logged_in(client, "auditor", province["p"])
    assert "VIPs" in client.get("/lists/customers/views/").content.decode()
    logged_in(client, "manager", province["p"])
    assert "VIPs" not in client.get("/lists/customers/views/").content.decode()
    assert client.get(f"/lists/views/{view.pk}/").status_code == 404


def test_another_persons_view_is_not_there(client, province):
    view = saved(make_staff("manager", org=province["p"]))
    logged_in(client, "manager", province["p"])

    assert client.get(f"/lists/views/{view.pk}/").status_code == 404
    for act in ("delete", "default"):
        assert client.post(f"/lists/views/{view.pk}/{act}/").status_code == 404
    assert "Category is VIP" not in client.get(f"/customers/?view={view.pk}").content.decode()
    assert SavedView.objects.filter(pk=view.pk).exists()


def test_a_shared_view_is_changed_by_its_owner_alone(client, province):
    view = saved(make_staff("manager", org=province["p"]), org=province["p"])
    logged_in(client, "manager", province["p"])

    assert client.get(f"/lists/views/{view.pk}/").status_code == 200
    assert client.post(f"/lists/views/{view.pk}/", {"name": "Mine"}).status_code == 404
    assert client.post(f"/lists/views/{view.pk}/delete/").status_code == 404


def test_renamed_shared_and_deleted(client, province):
    staff = logged_in(client, "manager", province["p"])
    view = saved(staff)
    saved(staff, name="Others")

    taken = client.post(f"/lists/views/{view.pk}/", {"name": "Others"})
    client.post(f"/lists/views/{view.pk}/",
                {"name": "Best", "sharing": f"org:{province['a'].code}"})  # fmt: skip
    view.refresh_from_db()
    deleted = client.post(f"/lists/views/{view.pk}/delete/")

    assert taken.status_code == 409 and b"another view" in taken.content
    assert (view.name, view.org) == ("Best", province["a"])
    assert deleted["Location"] == "/customers/?view=all"
    assert not SavedView.objects.filter(pk=view.pk).exists()


@pytest.mark.parametrize("sharing", ["org:NONE", "role:none", "all", "org:{b}"])
def test_nobody_shares_beyond_their_unit(client, province, sharing):
    logged_in(client, "hallmanager", province["a_hall"])

    answer = client.post(
        "/lists/customers/views/new/?category=VIP",
        {"name": "V", "sharing": sharing.format(b=province["b"].code)},
    )

    assert answer.status_code == 409
    assert not SavedView.objects.exists()


def test_who_may_not_share_keeps_views_for_themselves(client, province):
    logged_in(client, "accountmanager", province["a"])

    refused = client.post("/lists/customers/views/new/?category=VIP",
                          {"name": "V", "sharing": f"org:{province['a'].code}"})  # fmt: skip
    kept = client.post("/lists/customers/views/new/?category=VIP", {"name": "V"})

    assert refused.status_code == 409 and b"for itself only" in refused.content
    assert kept.status_code == 302


def test_a_list_opens_with_ones_default_view_until_it_is_gone(client, province):
    staff = logged_in(client, "manager", province["p"])
    view = saved(staff)

    client.post(f"/lists/views/{view.pk}/default/")
    opened = client.get("/customers/")
    plain = client.get("/customers/?view=all")
    client.post(f"/lists/views/{view.pk}/default/", {"off": "1"})

    assert opened["Location"] == f"/customers/?view={view.pk}"
    assert plain.status_code == 200 and b"Category is VIP" not in plain.content
    assert not DefaultView.objects.exists()
    assert client.get("/customers/").status_code == 200


@pytest.mark.parametrize("named", ["nonsense", "0", "999999999999999999999", "-1", "all", ""])
def test_an_address_with_a_view_that_is_none_is_the_plain_list(client, province, named):
    saved(logged_in(client, "manager", province["p"]))

    assert client.get(f"/customers/?view={named}").status_code == 200
    assert client.get(f"/lists/customers/views/?view={named}").status_code == 200


def test_a_view_of_a_field_that_is_gone_says_so(client, province):
    staff = logged_in(client, "manager", province["p"])
    gone = [{"field": "x.gone", "op": "is", "values": ["1"]}]
    view = saved(staff, conditions=gone)

    page = client.get(f"/customers/?view={view.pk}")
    tabs = client.get("/lists/customers/views/")

    assert page.status_code == 400 and "no field “x.gone”" in page.content.decode()
    assert tabs.status_code == 200
