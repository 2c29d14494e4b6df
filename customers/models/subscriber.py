from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.platform.access.models import Staff
from crm.platform.records import TimeStamped
from customers.models.customer import Customer


class SubscriberStatus(models.TextChoices):
    PENDING = "PENDING", _("Being set up")
    ACTIVE = "ACTIVE", _("Active")
    SUSPENDED = "SUSPENDED", _("Suspended")
    PENDING_TERMINATE = "PENDING_TERMINATE", _("Termination pending")
    TERMINATED = "TERMINATED", _("Terminated")


PRODUCT_NAMES: dict[str, str | Promise] = {
    "mobile": _("Mobile"),
    "broadband": _("Broadband"),
    "fusion": _("Fusion bundle"),
}
"""What usual products are called; a system may send others, which are shown as they came."""


class EndReason(models.TextChoices):
    CANCELLED = "CANCELLED", _("Cancelled by the customer")
    PORTED_OUT = "PORTED_OUT", _("Ported out")
    ARREARS = "ARREARS", _("Closed for arrears")
    OTHER = "OTHER", _("Other")


class SubscriberQuerySet(models.QuerySet["Subscriber"]):
    def visible_to(self, staff: Staff) -> "SubscriberQuerySet":
        return self.filter(customer__in=Customer.objects.visible_to(staff))


class Subscriber(TimeStamped):
    """
    One instance of a telecom product (用户): a number, a broadband line. Never a staff login.

    `status`, `status_since` and the contract are the present; SubscriberStatusPeriod keeps the
    past. `ended_on` is the day service ended (first day without it). `number` never changes;
    `service_number` may.
    """

    number = models.CharField(max_length=32, unique=True, db_collation="C")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="subscribers")
    service_number = models.CharField(max_length=32, db_collation="C")
    product = models.CharField(max_length=40, default="mobile")
    plan_code = models.CharField(max_length=40, blank=True)
    plan_name = models.CharField(max_length=100, blank=True)
    monthly_fee_fen = models.BigIntegerField(default=0)
    opened_on = models.DateField()
    contract_ends_on = models.DateField(null=True, blank=True)
    status = models.CharField(
        max_length=17, choices=SubscriberStatus, default=SubscriberStatus.ACTIVE
    )
    ended_on = models.DateField(null=True, blank=True)
    end_reason = models.CharField(max_length=10, choices=EndReason, blank=True)
    source = models.CharField(max_length=40, default="crm")
    characteristics = models.JSONField(default=dict, blank=True)

    objects = SubscriberQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(name="subscriber_ended", fields=["ended_on"], condition=~Q(ended_on=None)),
            models.Index(name="subscriber_by_opening", fields=["opened_on", "id"]),
            # Late usage of a number that somebody else holds by now.
            models.Index(
                name="subscriber_former_holder",
                fields=["service_number"],
                condition=~Q(ended_on=None),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="subscriber_status_known", condition=Q(status__in=SubscriberStatus.values)
            ),
            models.CheckConstraint(
                name="subscriber_terminated_iff_ended",
                condition=Q(status=SubscriberStatus.TERMINATED, ended_on__isnull=False)
                | (~Q(status=SubscriberStatus.TERMINATED) & Q(ended_on=None)),
            ),
            models.CheckConstraint(
                name="subscriber_ends_after_it_opened",
                condition=Q(ended_on=None) | Q(ended_on__gte=F("opened_on")),
            ),
            models.CheckConstraint(
                name="subscriber_fee_not_negative", condition=Q(monthly_fee_fen__gte=0)
            ),
            models.UniqueConstraint(
                name="subscriber_one_live_holder_of_a_number",
                fields=["service_number"],
                condition=Q(ended_on=None),
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def product_name(self) -> str | Promise:
        return PRODUCT_NAMES.get(self.product, self.product)


class SubscriberStatusPeriod(models.Model):
    """
    A subscriber's status from `starts_at` until `ends_at` (null: still). Never overlapping.

    Periods form a chain: each but the first bears the end of the one before, which nobody else
    follows. The database fills `previous_ends_at` in and keeps it true (migration 0005); whatever
    overlapped would break the chain. Index for index that costs a tenth of an exclusion.
    """

    subscriber = models.ForeignKey(
        Subscriber, models.CASCADE, related_name="status_periods", db_index=False
    )
    status = models.CharField(max_length=17, choices=SubscriberStatus)
    reason = models.CharField(max_length=40, blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    previous_ends_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="statusperiod_status_known", condition=Q(status__in=SubscriberStatus.values)
            ),
            models.CheckConstraint(
                name="statusperiod_ends_after_it_starts",
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
            ),
            models.CheckConstraint(
                name="statusperiod_do_not_overlap_the_previous",
                condition=Q(previous_ends_at=None) | Q(previous_ends_at__lte=F("starts_at")),
            ),
            models.UniqueConstraint(
                name="statusperiod_do_not_overlap",
                fields=["subscriber", "previous_ends_at"],
                nulls_distinct=False,
            ),
            models.UniqueConstraint(
                name="statusperiod_ends_once",
                fields=["subscriber", "ends_at"],
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber_id} {self.status} from {self.starts_at}"


class StopReason(models.TextChoices):
    ARREARS_OUT = "ARREARS_OUT", _("Arrears, outgoing barred")
    ARREARS_FULL = "ARREARS_FULL", _("Arrears, both ways barred")
    CUSTOMER_HOLD = "CUSTOMER_HOLD", _("Held at the customer's wish")
    LOST = "LOST", _("Reported lost")
    CREDIT_LIMIT = "CREDIT_LIMIT", _("Credit limit reached")
    FRAUD = "FRAUD", _("Suspected fraud")
    UNREGISTERED = "UNREGISTERED", _("Identity not registered")
    ILLEGAL = "ILLEGAL", _("Violation or court order")


class ServiceStop(TimeStamped):
    """
    One reason why a subscriber is stopped (停机原因), until it is cleared. Several may hold at
    once; clearing one leaves the others. A payment clears only what arrears raised.
    """

    subscriber = models.ForeignKey(Subscriber, models.CASCADE, related_name="stops")
    reason = models.CharField(max_length=13, choices=StopReason)
    raised_at = models.DateTimeField()
    raised_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    cleared_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="servicestop_reason_known", condition=Q(reason__in=StopReason.values)
            ),
            models.CheckConstraint(
                name="servicestop_cleared_after_raised",
                condition=Q(cleared_at=None) | Q(cleared_at__gte=F("raised_at")),
            ),
            models.UniqueConstraint(
                name="servicestop_each_reason_once_at_a_time",
                fields=["subscriber", "reason"],
                condition=Q(cleared_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reason} on {self.subscriber_id}"
