"""Who answers which event: filled at start from each app's `handlers.py`, then only read."""

from collections import defaultdict
from collections.abc import Callable

from crm.platform.events.models import Event

Handler = Callable[[Event], None]

_handlers: defaultdict[str, dict[str, Handler]] = defaultdict(dict)


def on(event_name: str) -> Callable[[Handler], Handler]:
    """Subscribe a handler. Used only in an app's handlers.py, imported from AppConfig.ready()."""

    def register(handler: Handler) -> Handler:
        _handlers[event_name][f"{handler.__module__}.{handler.__name__}"] = handler
        return handler

    return register


def keys_for(event_name: str) -> list[str]:
    """Return the stable keys of the handlers that an event is owed to."""
    return list(_handlers.get(event_name, ()))


def handler_of(event_name: str, key: str) -> Handler:
    """
    Return a handler by its key.

    :raises LookupError: if this release of the program has no such handler.
    """
    return _handlers[event_name][key]
