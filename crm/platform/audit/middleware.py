"""Attempts that were turned away are looks, too."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from crm.platform.access.models import Staff
from crm.platform.audit.models import AccessAction, AccessResult
from crm.platform.audit.services import record_access

logger = logging.getLogger(__name__)


class DenialMiddleware:
    """
    Record a request of a known account that was answered 403, or 404 for an address that
    names one object: a stranger's customer is "not found" to them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code in (403, 404):
            self._record(request, response.status_code)
        return response

    def _record(self, request: HttpRequest, status: int) -> None:
        actor, match = getattr(request, "user", None), request.resolver_match
        if not isinstance(actor, Staff) or match is None or _recorded(request):
            return
        if status == 404 and not match.kwargs:
            return
        try:
            record_access(
                request=request,
                actor=actor,
                action=AccessAction.DENIED,
                result=AccessResult.REFUSED,
                object_type=match.view_name[:60],
                object_id="/".join(str(value) for value in match.kwargs.values()),
                row_count=0,
                reason=f"{request.method} {status}",
                at=timezone.now(),
            )
        except Exception:
            logger.exception("A denied request could not be recorded")


def _recorded(request: HttpRequest) -> bool:
    return getattr(request, "denial_is_recorded", False)
