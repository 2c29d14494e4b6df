"""Pages as they were: what `?as_of=` of an address asks for."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.core.exceptions import BadRequest
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.platform.history.past import as_of


def moment_asked(request: HttpRequest) -> datetime | None:
    """
    Read the past moment that the address names, in the operator's time unless it says which;
    None for the present.

    :raises BadRequest: for what is no moment, or has not been yet.
    """
    text = request.GET.get("as_of", "").strip()
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = timezone.make_aware(moment) if timezone.is_naive(moment) else moment
        is_past = datetime(2000, 1, 1, tzinfo=moment.tzinfo) < moment <= timezone.now()
    except (ValueError, OverflowError):
        is_past = False
    if not is_past:
        raise BadRequest(_("as_of names a past moment, as in 2026-11-20T09:30:00."))
    return moment


@contextmanager
def looking_back(moment: datetime | None) -> Iterator[None]:
    """Read inside as of the moment; as of now where it is None."""
    if moment is None:
        yield
        return
    with as_of(moment):
        yield
