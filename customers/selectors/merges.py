"""Where a record went that was merged into another."""

from crm.platform.access.models import Staff
from customers.models import Customer


def survivor_number(*, staff: Staff, number: str) -> str:
    """Return the number of the customer who has what was this number's, "" if there is none."""
    merged = Customer.objects.within_reach(staff).filter(number=number)
    found = merged.filter(
        merged_into__in=Customer.objects.visible_to(staff).values("pk")
    ).values_list("merged_into__number", flat=True)
    return found.first() or ""
