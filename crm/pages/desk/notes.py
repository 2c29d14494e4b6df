"""The panel of notes in which colleagues named the account."""

from datetime import datetime

from crm.pages.desk.panel import Answer
from crm.platform.access.masking import mask_in_text
from crm.platform.access.requests import StaffRequest
from customers.models import Customer, Mention

SHOWN = 10
LONGEST = 160


def mentions(request: StaffRequest, _at: datetime) -> Answer:
    """The newest notes that name the account and are not marked as seen, within its reach."""
    rows = (
        Mention.objects.filter(staff=request.user, seen_at=None)
        .filter(note__customer__in=Customer.objects.visible_to(request.user))
        .select_related("note__author", "note__customer__party")
        .order_by("-pk")[:SHOWN]
    )
    return {"rows": [(mention, _shortened(mask_in_text(mention.note.text))) for mention in rows]}


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
