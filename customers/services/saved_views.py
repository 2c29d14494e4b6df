"""Lists as somebody wants to see them again, alone or with others."""

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from crm.platform.access.models import OrgUnit, Role, Staff
from crm.platform.errors import DomainError
from customers.lists.wanted import Wanted, conditions_of
from customers.models import DefaultView, SavedView

MOST_VIEWS = 50


class ViewRefused(DomainError):
    """A view that cannot be kept, shared or changed so."""

    code = "view_refused"


@dataclass(frozen=True)
class Sharing:
    """With whom a view is shared: a unit and all below it, the holders of a role, or nobody."""

    org: OrgUnit | None = None
    role: Role | None = None

    @classmethod
    def parse(cls, text: str, staff: Staff) -> "Sharing":
        """
        Read what a form says: "", "org:<code>" or "role:<code>".

        :raises ViewRefused: for what there is not, or what the account may not share with.
        """
        if not text:
            return cls()
        if not staff.has_perm("customers.share_view"):
            raise ViewRefused(_("Your account may keep views for itself only."))
        how, _colon, code = text.partition(":")
        unit = OrgUnit.objects.filter(code=code).first() if how == "org" else None
        role = Role.objects.filter(code=code).first() if how == "role" else None
        if unit is None and role is None:
            raise ViewRefused(_("There is nobody of that name to share a view with."))
        if unit and not (staff.org and unit.path.startswith(staff.org.path)):
            raise ViewRefused(_("A view can be shared with your own unit and those below it."))
        return cls(unit, role)


def sharing_offered(staff: Staff) -> list[tuple[str, str]]:
    """Return with whom the account may share: value and label of each."""
    if not staff.has_perm("customers.share_view") or staff.org is None:
        return []
    units = OrgUnit.objects.filter(path__startswith=staff.org.path).order_by("path")[:200]
    offered = [(f"org:{u.code}", u.name) for u in units]
    roles = Role.objects.filter(group__permissions__codename="list_customer").order_by("pk")
    return offered + [(f"role:{r.code}", _(r.name)) for r in roles.distinct()]


@transaction.atomic
def save_view(*, wanted: Wanted, name: str, sharing: Sharing, actor: Staff) -> SavedView:
    """
    Keep a list under a name. One's own view of the same name is replaced.

    :raises ViewRefused: for no name, or too many views.
    """
    clean = _name(name)
    Staff.objects.select_for_update(of=("self",), no_key=True).get(pk=actor.pk)
    own = SavedView.objects.filter(owner=actor, kind=wanted.kind)
    if own.exclude(name=clean).count() >= MOST_VIEWS:
        said = _("You have %(most)s views of this list; delete one first.")
        raise ViewRefused(said % {"most": MOST_VIEWS})
    view, _made = SavedView.objects.update_or_create(
        owner=actor,
        kind=wanted.kind,
        name=clean,
        defaults={
            "conditions": conditions_of(wanted),
            "columns": list(wanted.columns),
            "order": wanted.order_name,
            "org": sharing.org,
            "role": sharing.role,
        },
    )
    return view


@transaction.atomic
def change_view(*, view_id: int, name: str, sharing: Sharing, actor: Staff) -> SavedView:
    """
    Rename one's own view, and say anew with whom it is shared.

    :raises SavedView.DoesNotExist: if it is not the actor's own.
    :raises ViewRefused: for no name, or one that another of one's views has.
    """
    view = SavedView.objects.select_for_update(of=("self",)).get(pk=view_id, owner=actor)
    clean = _name(name)
    others = SavedView.objects.filter(owner=actor, kind=view.kind, name=clean)
    if others.exclude(pk=view.pk).exists():
        raise ViewRefused(_("You have another view “%(name)s” of this list.") % {"name": clean})
    view.name, view.org, view.role = clean, sharing.org, sharing.role
    view.save(update_fields=["name", "org", "role", "updated_at"])
    if not view.is_shared:
        DefaultView.objects.filter(view=view).exclude(staff=actor).delete()
    return view


@transaction.atomic
def delete_view(*, view_id: int, actor: Staff) -> None:
    """
    Delete one's own view. Whose list opened with it has the plain list again.

    :raises SavedView.DoesNotExist: if it is not the actor's own.
    """
    SavedView.objects.select_for_update(of=("self",)).get(pk=view_id, owner=actor).delete()


@transaction.atomic
def set_default(*, view_id: int, actor: Staff, is_default: bool) -> None:
    """
    Let the actor's list open with a view, or no longer.

    :raises SavedView.DoesNotExist: if the actor may not see the view.
    """
    view = SavedView.objects.visible_to(actor).distinct().get(pk=view_id)
    if is_default:
        DefaultView.objects.update_or_create(staff=actor, kind=view.kind, defaults={"view": view})
    else:
        DefaultView.objects.filter(staff=actor, view=view).delete()


def _name(name: str) -> str:
    clean = " ".join(name.replace("\0", "").split())
    if not 1 <= len(clean) <= 60:
        raise ViewRefused(_("A view needs a name of at most 60 letters."))
    return clean
