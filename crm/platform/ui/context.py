from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from crm.platform.ui.navigation import places_for

BOTTOM_BAR = 5


def frame(request: HttpRequest) -> dict[str, Any]:
    """
    What the frame of a page shows: `places`, and `bottom_places` with the rest under "more".

    Lazy, so that a fragment without a frame asks for no permission.
    """
    places = SimpleLazyObject(lambda: places_for(request.user, request.path))
    return {
        "places": places,
        "bottom_places": SimpleLazyObject(lambda: _bottom(list(places))),
    }


def _bottom(places: list[Any]) -> dict[str, list[Any]]:
    if len(places) <= BOTTOM_BAR:
        return {"shown": places, "more": []}
    return {"shown": places[: BOTTOM_BAR - 1], "more": places[BOTTOM_BAR - 1 :]}
