"""What of the customer page changes while one looks at it."""

from django.utils import timezone
from django.utils.html import format_html

from crm.platform.access.models import Staff
from crm.platform.ui.live import Look, register_topic
from customers.models import Customer
from customers.selectors import timeline_channel
from customers.timeline.reading import newest_mark


class TimelineTopic:
    """
    `/live/timeline/<customer id>`: a mark that changes with the timeline, for those who may see
    the customer. It says nothing of what changed; whoever is told asks for that, which is
    recorded as a look.
    """

    def channel(self, key: str) -> str:
        return timeline_channel(int(key)) if key.isascii() and key.isdigit() else "live:nothing"

    def look(self, staff: Staff, key: str) -> Look | None:
        may = key.isascii() and key.isdigit() and len(key) < 19
        if not may or not staff.has_perm("customers.view_customer"):
            return None
        if not Customer.objects.visible_to(staff).filter(pk=int(key)).exists():
            return None
        mark = newest_mark(int(key), at=timezone.now())
        return Look(format_html('<i data-mark="{}"></i>', mark), finished=False)


register_topic("timeline", TimelineTopic())
