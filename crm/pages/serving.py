"""When a desk begins to serve somebody: by one key, or by the first act that says they are here."""

from datetime import datetime
from uuid import UUID

from crm.platform.access.models import Role, Staff
from customers.models import Channel, Customer, Interaction
from customers.selectors import desk_contacts
from customers.services import Meanwhile, open_interaction

_CHANNELS = {
    "clerk": Channel.COUNTER,
    "hallmanager": Channel.COUNTER,
    "agent": Channel.CALL,
    "teamlead": Channel.CALL,
    "dispatcher": Channel.CALL,
    "accountmanager": Channel.VISIT,
}


def serve(
    *, staff: Staff, customer: Customer, in_hand: Meanwhile = Meanwhile.REFUSE, at: datetime
) -> Interaction:
    """
    Begin, or go on with, a contact in the channel of the account's role.

    :raises InteractionRefused: as `open_interaction` does.
    """
    codes = Role.objects.filter(group__user=staff).order_by("pk").values_list("code", flat=True)
    channel = next((_CHANNELS[code] for code in codes if code in _CHANNELS), Channel.COUNTER)
    return open_interaction(
        customer_id=customer.pk, staff=staff, channel=channel, in_hand=in_hand, at=at
    )


def contact_of_act(*, staff: Staff, customer: Customer, is_here: bool, at: datetime) -> UUID | None:
    """
    Return the contact that looking closer at this customer belongs to; None if to no one.

    `is_here` says that the customer is present: then, with nobody else in hand, one is opened.
    """
    now = next((row for row in desk_contacts(staff) if row.parked_at is None), None)
    if now is not None:
        return now.interaction_id if now.customer_id == customer.pk else None
    if not is_here or not staff.has_perm("customers.serve_customer"):
        return None
    return serve(staff=staff, customer=customer, at=at).id
