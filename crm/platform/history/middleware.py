"""What a request changes bears the account that sent it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from crm.platform.history.attribution import attributed

READS = ("GET", "HEAD", "OPTIONS", "TRACE")


class AttributionMiddleware:
    """
    Attribute requests that may write. One that carries a token is nobody's until the token is
    known; what that says is taken back here, too.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in READS:
            return self.get_response(request)
        with attributed(actor_id=request.user.pk, via=via(request)):
            return self.get_response(request)


def via(request: HttpRequest) -> str:
    return f"request {getattr(request, 'id', '')}".strip()
