import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.platform.records import uuid7


class Channel(models.TextChoices):
    COUNTER = "COUNTER", _("Counter")
    CALL = "CALL", _("Call")
    IVR = "IVR", _("Voice menu")
    SMS = "SMS", _("SMS")
    EMAIL = "EMAIL", _("E-mail")
    WEB = "WEB", _("Web")
    APP = "APP", _("App")
    WECHAT = "WECHAT", _("WeChat")
    KIOSK = "KIOSK", _("Kiosk")
    VISIT = "VISIT", _("Visit")


class Direction(models.TextChoices):
    INBOUND = "IN", _("Inbound")
    OUTBOUND = "OUT", _("Outbound")


class Purpose(models.TextChoices):
    ENQUIRY = "ENQUIRY", _("Enquiry")
    BUSINESS = "BUSINESS", _("Business")
    COMPLAINT = "COMPLAINT", _("Complaint")
    FAULT = "FAULT", _("Fault")
    PAYMENT = "PAYMENT", _("Payment")
    CARE = "CARE", _("Care")
    MARKETING = "MARKETING", _("Marketing")


class Interaction(models.Model):
    """
    One contact with a customer (客户接触), in any channel. Partitioned by month of `started_at`.

    `number` is the outside system's reference, or the id itself for a contact that began here.
    """

    pk = models.CompositePrimaryKey("started_at", "id")
    id = models.UUIDField(default=uuid7, editable=False)
    started_at = models.DateTimeField()
    number = models.CharField(max_length=40, db_collation="C", default=uuid.uuid4)
    customer_id = models.BigIntegerField()
    subscriber_id = models.BigIntegerField(null=True, blank=True)
    channel = models.CharField(max_length=7, choices=Channel)
    direction = models.CharField(max_length=3, choices=Direction, default=Direction.INBOUND)
    purpose = models.CharField(max_length=9, choices=Purpose)
    topic = models.CharField(max_length=100, blank=True)
    duration_seconds = models.PositiveIntegerField(default=0)
    staff_id = models.BigIntegerField(null=True, blank=True)
    result = models.CharField(max_length=100, blank=True)

    class Meta:
        indexes = [
            models.Index(name="interaction_of_customer", fields=["customer_id", "-started_at"]),
        ]
        constraints = [
            models.UniqueConstraint(
                name="interaction_number_once_a_time", fields=["number", "started_at"]
            ),
            models.CheckConstraint(
                name="interaction_channel_known", condition=Q(channel__in=Channel.values)
            ),
            models.CheckConstraint(
                name="interaction_purpose_known", condition=Q(purpose__in=Purpose.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.purpose} {self.started_at:%Y-%m-%d %H:%M}"
