from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from crm.platform.access.models import Staff


class StaffRequest(HttpRequest):
    """A request behind `login_required`: whoever makes it is one of the staff."""

    user: Staff
    htmx: HtmxDetails
