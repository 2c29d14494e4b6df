from functools import cache
from typing import Any

from django.http import HttpRequest

from crm.platform.ui.navigation import Place, places_for

BOTTOM_BAR = 5


class Places(tuple[Place, ...]):
    """The navigation of an account on one page. Equal for all accounts with the same rights."""

    @property
    def at_the_bottom(self) -> tuple[Place, ...]:
        """Those in the bar of a small screen; the rest is under "more"."""
        return tuple(self) if len(self) <= BOTTOM_BAR else self[: BOTTOM_BAR - 1]

    @property
    def more(self) -> tuple[Place, ...]:
        return self[len(self.at_the_bottom) :]


def frame(request: HttpRequest) -> dict[str, Any]:
    """
    What the frame of a page shows: `places`.

    A callable, so that a fragment without a frame asks for no permission.
    """
    return {"places": cache(lambda: Places(places_for(request.user, request.path)))}
