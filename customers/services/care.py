"""
One change to one customer by a member of staff: whose they are, of what category, which tags.

Each locks the customer first, returns what was there before, and changes nothing where it is so
already. A customer out of the actor's reach does not exist.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from crm.platform.access.models import Staff
from crm.platform.errors import DomainError
from crm.platform.events.outbox import publish
from crm.platform.prepared import PreparedForReach, Slot
from customers.events import CATEGORY_CHANGED, MANAGER_ASSIGNED, TAG_PUT, TAG_TAKEN
from customers.models import Customer, CustomerCategory, CustomerTag, Tag

LONGEST_TAG = 40
# Prepared, since a bulk change asks it for each of its rows.
_LOCKED = PreparedForReach(
    lambda staff: (
        Customer.objects.visible_to(staff)
        .select_related("party", "manager")
        .select_for_update(of=("self",))
        .filter(pk=Slot("pk"))
    )
)


class CannotChange(DomainError):
    """The customer cannot be changed so. The sentence says why."""

    code = "customer_cannot_change"


@transaction.atomic
def assign_manager(*, customer_id: int, staff_code: str, actor: Staff, at: datetime) -> str:
    """
    Make an account manager the owner of a customer; "" for nobody. Who owned them before no
    longer sees them from the commit on. Returns the staff code of the one before.

    :raises Customer.DoesNotExist: if the actor may not see the customer.
    :raises CannotChange: if there is no such account manager.
    """
    customer = _locked(customer_id, actor)
    before = customer.manager.staff_code if customer.manager else ""
    if before == staff_code:
        return before
    customer.manager = manager_with(staff_code) if staff_code else None
    customer.save(update_fields=["manager", "updated_at"])
    publish(
        MANAGER_ASSIGNED,
        at=at,
        actor=actor,
        customer_id=customer.pk,
        before=before,
        after=staff_code,
    )
    return before


@transaction.atomic
def change_category(*, customer_id: int, category: str, actor: Staff, at: datetime) -> str:
    """
    Change a customer's category. Returns the one before.

    :raises Customer.DoesNotExist: if the actor may not see the customer.
    :raises CannotChange: for a category that there is not, or that this party cannot have.
    """
    known_category(category)
    customer = _locked(customer_id, actor)
    before = customer.category
    if before == category:
        return before
    if category == CustomerCategory.ENTERPRISE and customer.party.kind == "INDIVIDUAL":
        raise CannotChange(_("A person cannot be an enterprise customer."))
    customer.category = category
    customer.save(update_fields=["category", "updated_at"])
    publish(
        CATEGORY_CHANGED,
        at=at,
        actor=actor,
        customer_id=customer.pk,
        before=before,
        after=category,
    )
    return before


@transaction.atomic
def put_tag(*, customer_id: int, name: str, actor: Staff, at: datetime) -> bool:
    """
    Put a tag on a customer, and make the tag if it is new. Returns whether it was there before.

    :raises Customer.DoesNotExist: if the actor may not see the customer.
    :raises CannotChange: for no name, or one that is too long.
    """
    clean = tag_name(name)
    customer = _locked(customer_id, actor)
    tag, _made = Tag.objects.get_or_create(name=clean)
    _put, made = CustomerTag.objects.get_or_create(
        customer=customer, tag=tag, defaults={"put_by": actor}
    )
    if made:
        publish(TAG_PUT, at=at, actor=actor, customer_id=customer.pk, tag_id=tag.pk)
    return not made


@transaction.atomic
def take_tag(*, customer_id: int, name: str, actor: Staff, at: datetime) -> bool:
    """
    Take a tag off a customer. Returns whether it was there before.

    :raises Customer.DoesNotExist: if the actor may not see the customer.
    :raises CannotChange: for no name.
    """
    clean = tag_name(name)
    customer = _locked(customer_id, actor)
    put = CustomerTag.objects.filter(customer=customer, tag__name=clean).first()
    if put is None:
        return False
    publish(TAG_TAKEN, at=at, actor=actor, customer_id=customer.pk, tag_id=put.tag_id)
    put.delete()
    return True


def manager_with(staff_code: str) -> Staff:
    """
    Return the account that can own customers.

    :raises CannotChange: if there is none of this code, or it is closed or no account manager.
    """
    staff = Staff.objects.filter(staff_code=staff_code, is_system=False).first()
    if staff is None:
        said = _("There is no account with the staff code “%(code)s”.")
        raise CannotChange(said % {"code": staff_code[:40]})
    if not staff.is_active or not staff.groups.filter(role__code="accountmanager").exists():
        said = _("“%(code)s” is no account manager with an open account.")
        raise CannotChange(said % {"code": staff_code[:40]})
    return staff


def known_category(category: str) -> str:
    """:raises CannotChange: for a category that there is not."""
    if category not in CustomerCategory.values:
        raise CannotChange(_("There is no category “%(name)s”.") % {"name": category[:20]})
    return category


def tag_name(name: str) -> str:
    """
    Return the name as tags have it.

    :raises CannotChange: for no name, one that is too long, or one with a comma.
    """
    clean = " ".join(name.split())
    if not clean or len(clean) > LONGEST_TAG or "," in clean or "\0" in clean:
        said = _("A tag has from 1 to %(most)s letters and no comma.")
        raise CannotChange(said % {"most": LONGEST_TAG})
    return clean


def _locked(customer_id: int, actor: Staff) -> Customer:
    """
    Lock the row, as far as the actor may see it.

    :raises Customer.DoesNotExist: if they may not.
    """
    customer: Customer | None = _LOCKED[actor].first(pk=customer_id)
    if customer is None:
        raise Customer.DoesNotExist
    return customer
