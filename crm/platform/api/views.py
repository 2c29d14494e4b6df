"""The door where systems get their tokens, the description of REST, and errors without a view."""

import base64
from typing import Any
from urllib.parse import unquote_plus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.views import SpectacularSwaggerSplitView
from oauth2_provider.models import get_application_model
from oauth2_provider.views import TokenView

from crm.platform.access.models import Staff
from crm.platform.api.errors import error_body
from crm.platform.api.throttling import seconds_to_wait
from crm.platform.audit.models import AccessAction, AccessResult
from crm.platform.audit.origin import client_address, digest
from crm.platform.audit.services import record_access

TOKENS_PER_MINUTE = 30
REST_PATHS = ("/api/", "/tmf-api/", "/oauth/")


class Token(TokenView):
    """`POST /oauth/token/`: client credentials in, a token for an hour out; both are recorded."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        wait = seconds_to_wait(f"token:{client_address(request)}", per_minute=TOKENS_PER_MINUTE)
        if wait is not None:
            body = {"error": "temporarily_unavailable", "error_description": _("Too many tries.")}
            return JsonResponse(body, status=429, headers={"Retry-After": str(wait)})
        response = super().post(request, *args, **kwargs)
        if response.status_code in (200, 401):
            self._record(request, granted=response.status_code == 200)
        return response

    def _record(self, request: HttpRequest, *, granted: bool) -> None:
        client_id = _client_id(request)
        application = (
            get_application_model()
            .objects.select_related("user")
            .filter(client_id=client_id)
            .first()
        )
        account: Staff | None = application.user if application else None
        unknown = f"unknown:{digest(client_id)[:12]}"
        record_access(
            request=request,
            actor=account,
            action=AccessAction.LOGIN,
            result=AccessResult.OK if granted else AccessResult.REFUSED,
            object_type="api.systemclient",
            object_id=client_id if account else unknown,
            row_count=0,
            at=timezone.now(),
        )


class Docs(SpectacularSwaggerSplitView):
    """Swagger UI from our own static files; its script is a file, as the content policy asks."""

    @staticmethod
    def _swagger_ui_resource(filename: str) -> str:
        return static(f"vendor/swagger-ui/{filename}")

    @staticmethod
    def _swagger_ui_favicon() -> str:
        return static("vendor/swagger-ui/favicon-32x32.png")


# Not the handlers that Django comes with: those look for a CSRF token in the body, and a body
# that could not be read the first time cannot be read then either, which ends in a 500.
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _rest(request, 400, "bad_request", str(exception) or _("The request is malformed.")) or (
        render(request, "400.html", status=400)
    )


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _rest(request, 403, "permission_denied", _("This is not yours to do.")) or (
        render(request, "403.html", {"exception": str(exception)}, status=403)
    )


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _rest(request, 404, "not_found", _("There is no such address.")) or (
        render(request, "404.html", status=404)
    )


def server_error(request: HttpRequest) -> HttpResponse:
    said = _("This went wrong on our side and has been logged. Nothing was changed.")
    return _rest(request, 500, "internal_error", said) or (
        HttpResponse(render_to_string("500.html"), status=500)  # without what may have failed
    )


def _rest(request: HttpRequest, status: int, code: str, message: str) -> HttpResponse | None:
    if not request.path.startswith(REST_PATHS):
        return None
    return JsonResponse(error_body(code=code, message=message, status=status), status=status)


def _client_id(request: HttpRequest) -> str:
    scheme, _space, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return request.POST.get("client_id", "")
    try:
        return unquote_plus(base64.b64decode(encoded).decode().partition(":")[0])
    except ValueError:
        return ""
