"""How a REST request says who it is: a token of a system, or the session of a member of staff."""

from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from oauth2_provider.contrib.rest_framework import OAuth2Authentication
from oauth2_provider.oauth2_backends import OAuthLibCore
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from crm.platform.access.models import Staff
from crm.platform.api.models import SystemClient
from crm.platform.api.scopes import declared_scopes
from crm.platform.history.attribution import attribute
from crm.platform.history.middleware import READS, via


class TextHeaders(OAuthLibCore):
    """
    Tells oauthlib of the headers alone. It would decode whatever else the server keeps beside
    them as UTF-8, and a file name in another encoding would fail there.
    """

    def extract_headers(self, request: Any) -> dict[str, str]:
        headers = super().extract_headers(request)
        return {name: value for name, value in headers.items() if isinstance(value, str)}


class _Unread:
    """
    A request whose body is not there: a token stands in the header, and who sends gigabytes
    must be known before they are read.
    """

    POST = QueryDict()

    def __init__(self, request: Request) -> None:
        vars(self)["whole"] = request

    def __getattr__(self, name: str) -> Any:
        return getattr(self.whole, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.whole, name, value)


class SystemAuthentication(OAuth2Authentication):
    """A bearer token of a system client: the request runs as the client's account."""

    def authenticate(self, request: Request) -> tuple[Staff, Any] | None:
        """
        :raises AuthenticationFailed: for a token that is wrong, late or of a closed account.
        """
        if not request.headers.get("Authorization", "").lower().startswith("bearer "):
            return None
        found = super().authenticate(_Unread(request))
        if found is None:
            raise AuthenticationFailed(_("The token is not valid, or not any longer."))
        _no_user, token = found
        client = (
            SystemClient.objects.select_related("account")
            .filter(application=token.application_id)
            .first()
        )
        if client is None or not client.account.is_active or not client.account.is_system:
            raise AuthenticationFailed(_("The account of this client is closed."))
        if request.method not in READS:
            attribute(actor_id=client.account.pk, via=via(request._request))
        return client.account, token


class SystemScheme(OpenApiAuthenticationExtension):
    """How the schema describes it."""

    target_class = SystemAuthentication
    name = "clientCredentials"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        scopes = {code: str(label) for code, label in declared_scopes().items()}
        flow = {"tokenUrl": "/oauth/token/", "scopes": scopes}
        return {"type": "oauth2", "flows": {"clientCredentials": flow}}
