"""Contacts: the one in hand, those parked, and what each was about."""

from uuid import UUID

from django.db.models import F

from crm.platform.access.models import Staff
from crm.platform.prepared import Prepared, Slot
from customers.models import DeskContact, Interaction, InteractionLink


def current_interaction(staff: Staff) -> Interaction | None:
    """Return the contact this member of staff is serving now, if any; parked ones do not count."""
    row = DeskContact.objects.filter(staff=staff, parked_at=None).first()
    if row is None:
        return None
    return Interaction.objects.get(started_at=row.started_at, id=row.interaction_id)


_AT_DESK = Prepared(
    lambda: (
        DeskContact.objects.filter(staff=Slot("staff"))
        .select_related("customer__party")
        .order_by(F("parked_at").asc(nulls_first=True), "pk")
    )
)


def desk_contacts(staff: Staff) -> list[DeskContact]:
    """Return the open contacts in these hands with their customers, in one query: the one being
    served first, then the parked ones, the longest waiting first."""
    return _AT_DESK.rows(staff=staff.pk)


def linked(interaction_id: UUID) -> list[InteractionLink]:
    """Return what came of a contact, in the order in which it was linked."""
    return list(
        InteractionLink.objects.filter(interaction_id=interaction_id).order_by("linked_at", "pk")
    )


def interactions_about(*, object_type: str, object_id: object) -> list[UUID]:
    """Return the contacts that an object belongs to, oldest first."""
    links = InteractionLink.objects.filter(object_type=object_type, object_id=str(object_id))
    return list(links.order_by("linked_at", "pk").values_list("interaction_id", flat=True))


def timeline_channel(customer_id: int) -> str:
    """Return the channel on which it is announced that a customer's timeline has news."""
    return f"live:timeline:{customer_id}"
