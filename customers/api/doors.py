"""What the doors to one customer share: whose door it is, and that the look is written down."""

from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework.request import Request

from crm.platform.access.models import Staff
from crm.platform.audit.models import AccessAction
from crm.platform.audit.services import record_access
from customers.models import Customer


def staff_of(request: Request) -> Staff:
    assert isinstance(request.user, Staff)
    return request.user


def visible_customer(request: Request, number: str) -> Customer:
    """
    Return the customer of that number within the account's reach.

    :raises Http404: for a stranger's, and for one that there is not.
    """
    return get_object_or_404(Customer.objects.visible_to(staff_of(request)), number=number)


def record_look(request: Request, customer: Customer, *, part: str, rows: int) -> None:
    """Write down that a person looked at this part of the customer, or that a system read it."""
    staff = staff_of(request)
    record_access(
        request=request._request,
        actor=staff,
        action=AccessAction.SYSTEM if staff.is_system else AccessAction.VIEW,
        object_type=f"customers.customer.{part}",
        object_id=customer.number,
        customer_id=customer.pk,
        row_count=rows,
        at=timezone.now(),
    )
