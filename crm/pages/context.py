from functools import cache
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext

from crm.platform.access.models import Staff
from customers.models import DeskContact, Purpose
from customers.selectors import desk_contacts


class Desk:
    """What the bar above every page shows: who is being served, and who waits parked."""

    purposes = Purpose.choices

    def __init__(self, contacts: list[DeskContact]) -> None:
        self.now = next((row for row in contacts if row.parked_at is None), None)
        self.parked = [row for row in contacts if row.parked_at is not None]

    @property
    def result(self) -> str:
        """What most contacts end with, filled in so that one key finishes them."""
        return gettext("Handled")


def desk(request: HttpRequest) -> dict[str, Any]:
    """
    `at_desk`: the open contacts in the account's hands.

    A callable, so that a fragment without the bar asks nothing.
    """
    user = getattr(request, "user", None)
    return {"at_desk": cache(lambda: Desk(desk_contacts(user) if isinstance(user, Staff) else []))}
