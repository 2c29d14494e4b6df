from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.platform.records import TimeStamped
from customers.models.customer import Customer
from customers.models.subscriber import Subscriber


class PayType(models.TextChoices):
    PREPAID = "PREPAID", _("Prepaid")
    POSTPAID = "POSTPAID", _("Postpaid")


PAY_METHOD_NAMES: dict[str, str | Promise] = {
    "app": _("App"),
    "bank_mandate": _("Direct debit"),
    "counter": _("Counter"),
    "agent": _("Agent"),
    "kiosk": _("Kiosk"),
    "other": _("Other"),
}
"""What usual ways to pay are called; a system may send others, which are shown as they came."""


class AccountStatus(models.TextChoices):
    ACTIVE = "ACTIVE", _("Active")
    DUNNING = "DUNNING", _("In arrears")
    CLOSING = "CLOSING", _("Closing")
    CLOSED = "CLOSED", _("Closed")


class BillingAccount(TimeStamped):
    """
    Who pays (账户). Billing is the master of money: `balance_fen` (below zero: owed) and
    `billed_total_fen` are what it told us, as of `balance_as_of`. All amounts are fen.
    """

    number = models.CharField(max_length=32, unique=True, db_collation="C")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="accounts")
    pay_type = models.CharField(max_length=8, choices=PayType, default=PayType.POSTPAID)
    pay_method = models.CharField(max_length=40, blank=True)
    cycle_day = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=8, choices=AccountStatus, default=AccountStatus.ACTIVE)
    credit_limit_fen = models.BigIntegerField(default=0)
    balance_fen = models.BigIntegerField(default=0)
    billed_total_fen = models.BigIntegerField(default=0)
    balance_as_of = models.DateTimeField(null=True, blank=True)
    opened_on = models.DateField()
    closed_on = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=40, default="crm")
    characteristics = models.JSONField(default=dict, blank=True)

    class Meta:
        indexes = [models.Index(name="billingaccount_by_balance", fields=["balance_fen", "id"])]
        constraints = [
            models.CheckConstraint(
                name="billingaccount_pay_type_known", condition=Q(pay_type__in=PayType.values)
            ),
            models.CheckConstraint(
                name="billingaccount_status_known", condition=Q(status__in=AccountStatus.values)
            ),
            models.CheckConstraint(
                name="billingaccount_cycle_day_1_to_28", condition=Q(cycle_day__range=(1, 28))
            ),
            models.CheckConstraint(
                name="billingaccount_credit_limit_not_negative",
                condition=Q(credit_limit_fen__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def pay_method_name(self) -> str | Promise:
        return PAY_METHOD_NAMES.get(self.pay_method, self.pay_method)


class PayRelation(TimeStamped):
    """
    Which account pays which charges of a subscriber (付费关系), from `starts_at` to `ends_at`.

    `charge_item` "" means every charge that no narrower relation covers. At one instant one
    account pays one item at one priority. `limit_fen` null means without limit.
    """

    subscriber = models.ForeignKey(Subscriber, models.CASCADE, related_name="pay_relations")
    account = models.ForeignKey(BillingAccount, models.CASCADE, related_name="pay_relations")
    charge_item = models.CharField(max_length=40, blank=True)
    priority = models.PositiveSmallIntegerField(default=1)
    limit_fen = models.BigIntegerField(null=True, blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="payrelation_ends_after_it_starts",
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
            ),
            models.UniqueConstraint(
                name="payrelation_one_open_per_item_and_priority",
                fields=["subscriber", "charge_item", "priority"],
                condition=Q(ends_at=None),
            ),
            # Without btree_gist: a one-value range stands in for the equality.
            ExclusionConstraint(
                name="payrelation_ended_do_not_overlap",
                expressions=[
                    (
                        Func(F("subscriber"), F("subscriber"), Value("[]"), function="int8range"),
                        RangeOperators.OVERLAPS,
                    ),
                    (
                        Func(F("priority"), F("priority"), Value("[]"), function="int4range"),
                        RangeOperators.OVERLAPS,
                    ),
                    (
                        Func(F("starts_at"), F("ends_at"), function="tstzrange"),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(charge_item="", ends_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} pays for {self.subscriber_id}"
