"""Who looked at a customer."""

from django.db.models import QuerySet

from crm.platform.access.models import Staff
from crm.platform.audit.models import AccessRecord


def looks_at(*, customer_id: int, staff: Staff) -> QuerySet[AccessRecord]:
    """
    Return who looked at a customer, as far as this account may know; page by "-at", "-id".

    With `audit.view_every_look` that is everybody within the account's reach, and systems;
    otherwise its own people: those of its unit and of the units below it.
    """
    looks = AccessRecord.objects.filter(customer_id=customer_id).select_related("staff", "org")
    if staff.has_perm("audit.view_every_look"):
        looks = looks.visible_to(staff)
    elif staff.org is None:
        looks = looks.none()
    else:
        looks = looks.filter(org__path__startswith=staff.org.path)
    return looks.order_by("-at", "-id")
