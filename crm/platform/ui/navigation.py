"""The left navigation: what each app offers, shown to those who may use it."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from django.apps import apps
from django.urls import reverse
from django.utils.functional import Promise

if TYPE_CHECKING:  # an AppConfig imports this module before any model may be
    from django.contrib.auth.models import AnonymousUser

    from crm.platform.access.models import Staff

MOST = 9
"""More entries than this are no longer read, only searched."""


@dataclass(frozen=True)
class NavEntry:
    """
    One page of the navigation. `permission` "" means everybody who is logged in.

    `icon` is a name of the Tabler set ("users"). `key` is the letter that goes there after
    `g`; without one, the first free letter of the code serves.
    """

    code: str
    label: str | Promise
    url_name: str
    permission: str
    icon: str
    order: int
    key: str = ""

    @property
    def url(self) -> str:
        return reverse(self.url_name)


@dataclass(frozen=True)
class Place:
    """A navigation entry as one account sees it on one page."""

    code: str
    label: str | Promise
    url: str
    icon: str
    key: str
    is_current: bool


@cache
def declared_entries() -> tuple[NavEntry, ...]:
    """Return what every installed app declares, in order, each with its own key."""
    declared = sorted(
        (e for config in apps.get_app_configs() for e in getattr(config, "navigation", ())),
        key=lambda entry: (entry.order, entry.code),
    )
    taken = {entry.key for entry in declared if entry.key}
    keyed = []
    for entry in declared:
        key = entry.key or next((c for c in entry.code if c.isalpha() and c not in taken), "")
        taken.add(key)
        keyed.append(NavEntry(**{**vars(entry), "key": key}))
    return tuple(keyed)


def places_for(staff: "Staff | AnonymousUser", path: str) -> list[Place]:
    """Return the entries this account may use; the one that `path` lies under is current."""
    entries = [
        (entry, entry.url)
        for entry in declared_entries()
        if staff.is_authenticated and (not entry.permission or staff.has_perm(entry.permission))
    ][:MOST]
    current = max((url for _, url in entries if path.startswith(url)), key=len, default=None)
    if current == "/" and path != "/":
        current = None
    return [
        Place(entry.code, entry.label, url, entry.icon, entry.key, is_current=url == current)
        for entry, url in entries
    ]
