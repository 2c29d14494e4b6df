"""The one shape of every error that REST answers."""

import logging
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from crm.platform.errors import DomainError
from crm.platform.readable import is_unstorable

logger = logging.getLogger(__name__)


def error_body(
    *, code: str, message: str, status: int, remedy: str = "", details: Any = ()
) -> dict[str, Any]:
    """
    Return an error as TM Forum shapes it, with the details per field beside it.

    `code` is for programs and stable, `reason` the sentence for people, `message` the same
    with what would help; `status` repeats the HTTP status, as a string.
    """
    return {
        "code": code,
        "reason": message,
        "message": f"{message} {remedy}".strip(),
        "status": str(status),
        "details": list(details),
    }


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response:
    """Turn whatever a REST view raised into an answer. Nothing passes through as HTML."""
    set_rollback()
    if isinstance(exc, DomainError):
        return _refusal(exc)
    if isinstance(exc, Http404):
        exc = exceptions.NotFound(_("There is no such thing, or it is not yours to see."))
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    elif isinstance(exc, BadRequest):
        exc = exceptions.ParseError(str(exc))
    elif is_unstorable(exc):
        exc = exceptions.ParseError(_("A value cannot be stored: too large, or not text."))
    if isinstance(exc, exceptions.APIException):
        return _api_exception(exc)
    logger.error("A REST request failed", exc_info=exc)
    request_id = getattr(context["request"], "id", "")
    body = error_body(
        code="internal_error",
        message=_("This went wrong on our side and has been logged. Nothing was changed."),
        remedy=_("If it happens again, name request %(id)s.") % {"id": request_id},
        status=500,
    )
    return Response(body, status=500)


def _refusal(exc: DomainError) -> Response:
    details = [
        {"field": r.field, "code": r.code, "message": r.message, "remedy": r.remedy}
        for r in exc.refusals
    ]
    remedy = " ".join(r.remedy for r in exc.refusals if r.remedy)
    body = error_body(code=exc.code, message=str(exc), remedy=remedy, status=409, details=details)
    return Response(body, status=409)


def _api_exception(exc: exceptions.APIException) -> Response:
    headers = {}
    if challenge := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(exc, "wait", None):
        headers["Retry-After"] = str(max(1, round(wait)))
    details = list(_flat(exc.get_full_details(), "")) if _is_validation(exc) else []
    if details:
        code, message = "invalid", _("The request is not valid.")
        remedy = "; ".join(f"{d['field']}: {d['message']}".lstrip(": ") for d in details[:5])
    else:
        code, message, remedy = str(exc.get_codes()), str(exc.detail), ""
    body = error_body(
        code=code, message=message, remedy=remedy, status=exc.status_code, details=details
    )
    return Response(body, status=exc.status_code, headers=headers)


def _is_validation(exc: exceptions.APIException) -> bool:
    return isinstance(exc, exceptions.ValidationError)


def _flat(node: Any, path: str) -> Iterator[dict[str, str]]:
    """Return every leaf of a serializer's errors with the path of its field (items.0.price)."""
    if isinstance(node, dict) and node.keys() == {"message", "code"}:
        yield {"field": path, "code": str(node["code"]), "message": str(node["message"])}
    elif isinstance(node, dict):
        for name, child in node.items():
            here = path if name == "non_field_errors" else f"{path}.{name}".strip(".")
            yield from _flat(child, here)
    elif isinstance(node, list):
        for n, child in enumerate(node):
            leaf = isinstance(child, dict) and child.keys() == {"message", "code"}
            yield from _flat(child, path if leaf else f"{path}.{n}".strip("."))
