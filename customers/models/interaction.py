"""Contacts with customers (客户接触): what happened, what they were about, which are in hand."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.platform.records import uuid7
from customers.models.customer import Customer


class Channel(models.TextChoices):
    COUNTER = "COUNTER", _("Counter")
    CALL = "CALL", _("Call")
    IVR = "IVR", _("Voice menu")
    SMS = "SMS", _("SMS")
    EMAIL = "EMAIL", _("E-mail")
    FAX = "FAX", _("Fax")
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


class InteractionState(models.TextChoices):
    OPEN = "OPEN", _("Open")
    CLOSED = "CLOSED", pgettext_lazy("a contact", "Finished")


class AuthLevel(models.IntegerChoices):
    """How sure we are who it is. Each business names the least it needs."""

    NONE = 0, _("not identified")
    ASKED = 1, _("answered questions")
    SECRET = 2, _("knew a secret or showed a document")
    FACE = 3, _("face matched")
    READER = 4, _("document read by a card reader")


class AuthMethod(models.TextChoices):
    NONE = "NONE", _("Not identified")
    ASKED = "ASKED", _("Asked")
    SMS_CODE = "SMS_CODE", _("SMS code")
    SERVICE_PASSWORD = "SERVICE_PASSWORD", _("Service password")
    DOCUMENT = "DOCUMENT", _("Document seen")
    FACE = "FACE", _("Face")
    CARD_READER = "CARD_READER", _("Card reader")

    @property
    def level(self) -> AuthLevel:
        """The order of strength is the operators' own: reader > face > password > knowledge."""
        return _LEVELS[self]


_LEVELS = {
    AuthMethod.NONE: AuthLevel.NONE,
    AuthMethod.ASKED: AuthLevel.ASKED,
    AuthMethod.SMS_CODE: AuthLevel.SECRET,
    AuthMethod.SERVICE_PASSWORD: AuthLevel.SECRET,
    AuthMethod.DOCUMENT: AuthLevel.SECRET,
    AuthMethod.FACE: AuthLevel.FACE,
    AuthMethod.CARD_READER: AuthLevel.READER,
}


_ON_A_LINE = (
    AuthMethod.NONE,
    AuthMethod.ASKED,
    AuthMethod.SMS_CODE,
    AuthMethod.SERVICE_PASSWORD,
)


class Interaction(models.Model):
    """
    One contact with a customer (客户接触), in any channel. Partitioned by month of `started_at`.

    `number` is the outside system's reference, or the id itself for a contact that began here.
    Other systems say how long it took, so `ended_at` may be empty on a closed one.
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
    # What feeds and older rows say nothing of comes from the database.
    state = models.CharField(
        max_length=6,
        choices=InteractionState,
        default=InteractionState.CLOSED,
        db_default=InteractionState.CLOSED,
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    auth_method = models.CharField(
        max_length=16, choices=AuthMethod, default=AuthMethod.NONE, db_default=AuthMethod.NONE
    )
    authenticated_at = models.DateTimeField(null=True, blank=True)
    recording = models.CharField(max_length=200, blank=True, default="", db_default="")

    class Meta:
        permissions = [
            ("serve_customer", "Can open contacts with customers"),
            ("record_interaction", "Can record contacts that happened elsewhere"),
        ]
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
            models.CheckConstraint(
                name="interaction_open_is_in_somebodys_hands_and_has_no_end",
                condition=Q(state="CLOSED")
                | Q(state="OPEN", ended_at=None, staff_id__isnull=False),
            ),
            models.CheckConstraint(
                name="interaction_ends_after_it_started",
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")),
            ),
            models.CheckConstraint(
                name="interaction_authenticated_iff_method",
                condition=Q(auth_method="NONE", authenticated_at=None)
                | (~Q(auth_method="NONE") & Q(authenticated_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="interaction_auth_method_known", condition=Q(auth_method__in=AuthMethod.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.purpose} {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def auth_level(self) -> AuthLevel:
        return AuthMethod(self.auth_method).level


class DeskContact(models.Model):
    """
    An open contact in the hands of a member of staff: being served, or parked (`parked_at`).

    The row goes when the contact is finished. It is a small table beside the contacts, since a
    partitioned one cannot hold "one a person" in an index; and every page asks it who is being
    served, so it repeats how they were identified and what for.
    """

    interaction_id = models.UUIDField(unique=True)
    started_at = models.DateTimeField()
    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="desk_contacts"
    )
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="desk_contacts")
    channel = models.CharField(max_length=7, choices=Channel)
    auth_method = models.CharField(max_length=16, choices=AuthMethod, default=AuthMethod.NONE)
    purpose = models.CharField(
        max_length=9, choices=Purpose, default=Purpose.ENQUIRY, db_default=Purpose.ENQUIRY
    )
    parked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                name="deskcontact_one_in_hand", fields=["staff"], condition=Q(parked_at=None)
            ),
            models.CheckConstraint(
                name="deskcontact_parked_after_it_started",
                condition=Q(parked_at=None) | Q(parked_at__gte=F("started_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.staff_id} with {self.customer_id} since {self.started_at:%H:%M}"

    @property
    def methods(self) -> list[AuthMethod]:
        """The ways to identify somebody that this channel has; nobody shows a face on a call."""
        here = _ON_A_LINE if self.channel in (Channel.CALL, Channel.IVR) else AuthMethod
        return [method for method in here if method != self.auth_method]


class InteractionLink(models.Model):
    """
    What a contact was about or led to: an object of another room, by type and id.

    `object_type` is the model's label ("orders.customerorder"), `object_id` the number by which
    people know the object.
    """

    interaction_id = models.UUIDField()
    object_type = models.CharField(max_length=60)
    object_id = models.CharField(max_length=40, db_collation="C")
    linked_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(name="interactionlink_of_object", fields=["object_type", "object_id"])
        ]
        constraints = [
            models.UniqueConstraint(
                name="interactionlink_once", fields=["interaction_id", "object_type", "object_id"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.object_type} {self.object_id}"
