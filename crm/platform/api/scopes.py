"""
What a token may be for: a resource and a verb ("feeds:write").

An app declares its own on its AppConfig: oauth_scopes = {"feeds:write": _("Send feeds")}.
"""

from functools import cache
from typing import Any

from django.apps import apps
from django.utils.functional import Promise
from oauth2_provider.scopes import BaseScopes


@cache
def declared_scopes() -> dict[str, str | Promise]:
    """Return every app's scopes with what they allow."""
    return {
        code: label
        for config in apps.get_app_configs()
        for code, label in sorted(getattr(config, "oauth_scopes", {}).items())
    }


class ClientScopes(BaseScopes):
    """A client may ask for the scopes it was registered with; all of them, if it names none."""

    def get_all_scopes(self) -> dict[str, str | Promise]:
        return declared_scopes()

    def get_available_scopes(
        self, application: Any = None, request: Any = None, *_args: Any, **_kwargs: Any
    ) -> list[str]:
        client = getattr(application, "system_client", None)
        return list(client.scopes) if client else []

    def get_default_scopes(
        self, application: Any = None, request: Any = None, *_args: Any, **_kwargs: Any
    ) -> list[str]:
        return self.get_available_scopes(application)
