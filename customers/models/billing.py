"""
Read models of what billing masters: bills, payments, monthly usage.

Each is partitioned by month and carries `customer_id`. None has a foreign key in the database:
at hundreds of millions of rows the check costs more than the row, so the feed joins every row
to its owner before it writes, and `reconcile` proves it afterwards.
"""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Bill(models.Model):
    """
    A monthly bill. Key: (month, account, number); a higher `version` replaces a lower one.

    Amounts are fen. `items` maps charge item to fen and sums to `amount_fen`.
    """

    pk = models.CompositePrimaryKey("month", "account_id", "number")
    month = models.DateField()
    account_id = models.BigIntegerField()
    number = models.CharField(max_length=40, db_collation="C")
    customer_id = models.BigIntegerField()
    version = models.PositiveIntegerField(default=1)
    amount_fen = models.BigIntegerField()
    paid_fen = models.BigIntegerField(default=0)
    due_on = models.DateField()
    items = models.JSONField(default=dict)

    class Meta:
        permissions = [("export_bill", "Can export bills")]
        indexes = [models.Index(name="bill_of_customer", fields=["customer_id", "month"])]
        constraints = [
            models.CheckConstraint(name="bill_version_from_1", condition=Q(version__gte=1)),
        ]

    def __str__(self) -> str:
        return self.number


class PaymentChannel(models.TextChoices):
    COUNTER = "COUNTER", _("Counter")
    APP = "APP", _("App")
    BANK = "BANK", _("Bank")
    AGENT = "AGENT", _("Agent")
    KIOSK = "KIOSK", _("Kiosk")
    OTHER = "OTHER", _("Other")


class Payment(models.Model):
    """
    Money received (or given back: a negative amount that names `reversal_of`). Amounts in fen.

    Key: (number, paid_at); the number alone is unique by the feed's check, since a partitioned
    table cannot hold a unique key without its partition column. The index of the primary key
    begins with the number (migration 0004), so that it finds a payment by it.
    """

    pk = models.CompositePrimaryKey("paid_at", "number")
    paid_at = models.DateTimeField()
    number = models.CharField(max_length=40, db_collation="C")
    account_id = models.BigIntegerField()
    customer_id = models.BigIntegerField()
    amount_fen = models.BigIntegerField()
    channel = models.CharField(max_length=8, choices=PaymentChannel, default=PaymentChannel.OTHER)
    reversal_of = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes = [models.Index(name="payment_of_customer", fields=["customer_id", "paid_at"])]
        constraints = [
            models.CheckConstraint(
                name="payment_negative_only_as_reversal",
                condition=Q(amount_fen__gt=0) | (Q(amount_fen__lt=0) & ~Q(reversal_of="")),
            ),
        ]

    def __str__(self) -> str:
        return self.number


class MonthlyUsage(models.Model):
    """
    What a subscriber used in a month: seconds, messages, kilobytes, and the network's share.
    A higher `version` replaces a lower one; where the feed states none it is the day on which
    the file was so, as yyyymmdd.

    `dropped_calls` counts calls the network lost: the quality a customer feels.
    """

    pk = models.CompositePrimaryKey("month", "subscriber_id")
    month = models.DateField()
    subscriber_id = models.BigIntegerField()
    customer_id = models.BigIntegerField()
    voice_out_seconds = models.BigIntegerField(default=0)
    voice_in_seconds = models.BigIntegerField(default=0)
    sms_count = models.IntegerField(default=0)
    data_kb = models.BigIntegerField(default=0)
    roaming_kb = models.BigIntegerField(default=0)
    night_data_kb = models.BigIntegerField(default=0)
    dropped_calls = models.IntegerField(default=0)
    version = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        indexes = [models.Index(name="monthlyusage_of_customer", fields=["customer_id", "month"])]
        constraints = [
            models.CheckConstraint(
                name="monthlyusage_not_negative",
                condition=Q(
                    voice_out_seconds__gte=0,
                    voice_in_seconds__gte=0,
                    sms_count__gte=0,
                    data_kb__gte=0,
                    roaming_kb__gte=0,
                    night_data_kb__gte=0,
                    dropped_calls__gte=0,
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} of {self.subscriber_id}"
