"""What REST Framework has no exception for."""

from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException


class TooLarge(APIException):
    status_code = 413
    default_code = "too_large"


class LengthRequired(APIException):
    status_code = 411
    default_code = "length_required"


class KeyReused(APIException):
    """The only 422 there is: one idempotency key, two requests."""

    status_code = 422
    default_code = "idempotency_key_reused"


class StillRunning(APIException):
    status_code = 409
    default_code = "idempotency_key_in_use"

    def __init__(self, wait: int) -> None:
        super().__init__(_("The first request with this key is still running."))
        self.wait = wait
