from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from customers.models.party import Party

EVERY_CHANNEL = ""
WEEK = (1, 2, 3, 4, 5, 6, 7)


def whole_week() -> list[int]:
    return list(WEEK)


class ConsentPurpose(models.TextChoices):
    MARKETING = "MARKETING", _("Offers and advertising")
    SURVEY = "SURVEY", _("Satisfaction surveys")
    PROFILING = "PROFILING", _("Personal recommendations")
    SHARING = "SHARING", _("Sharing with partners")
    LOCATION = "LOCATION", _("Use of location")
    BIOMETRIC = "BIOMETRIC", _("Face photo for identification")


# Those whose consent is asked for channel by channel; the others have none.
CHANNELLED = (ConsentPurpose.MARKETING, ConsentPurpose.SURVEY)


class ContactChannel(models.TextChoices):
    """The channels in which we may turn to a customer; codes as in `Channel`."""

    SMS = "SMS", _("SMS")
    CALL = "CALL", _("Call")
    EMAIL = "EMAIL", _("E-mail")
    APP = "APP", _("App")
    WECHAT = "WECHAT", _("WeChat")
    VISIT = "VISIT", _("Visit")


class ConsentState(models.TextChoices):
    GIVEN = "GIVEN", _("Given")
    WITHDRAWN = "WITHDRAWN", _("Withdrawn")


class ConsentSource(models.TextChoices):
    COUNTER = "COUNTER", _("At the counter")
    CALL = "CALL", _("In a call")
    VISIT = "VISIT", _("During a visit")
    PAPER = "PAPER", _("On paper")
    SMS = "SMS", _("By SMS")
    EMAIL = "EMAIL", _("By e-mail")
    WEB = "WEB", _("On the web")
    APP = "APP", _("In the app")
    WECHAT = "WECHAT", _("In WeChat")
    BATCH = "BATCH", _("From a file")
    SYSTEM = "SYSTEM", _("By another system")


class Consent(models.Model):
    """
    One decision of a party about what may be done with their data (授权/同意).

    A ledger: a trigger refuses UPDATE, DELETE and TRUNCATE. What holds for a purpose and a
    channel is the last row, by `decided_at` and then `id`, among those of the channel and those
    of every channel (""). Only a withdrawal may be for every channel of a purpose that has
    channels: consent is asked for one by one (个人信息保护法 14). No row means no consent.

    `decided_at` is when the party said so, `recorded_at` when it was written down.
    """

    party = models.ForeignKey(Party, models.PROTECT, db_index=False, related_name="consents")
    purpose = models.CharField(max_length=9, choices=ConsentPurpose)
    channel = models.CharField(max_length=6, choices=ContactChannel, blank=True)
    state = models.CharField(max_length=9, choices=ConsentState)
    text_version = models.CharField(max_length=40, blank=True)
    decided_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField()
    source = models.CharField(max_length=7, choices=ConsentSource)
    evidence = models.CharField(max_length=200, blank=True)
    interaction_id = models.UUIDField(null=True, blank=True)
    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
    )

    class Meta:
        default_permissions = ("view", "add")
        indexes = [
            models.Index(
                "party",
                "purpose",
                "channel",
                F("decided_at").desc(),
                F("id").desc(),
                name="consent_last_of_each",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="consent_purpose_known", condition=Q(purpose__in=ConsentPurpose.values)
            ),
            models.CheckConstraint(
                name="consent_channel_known",
                condition=Q(channel__in=[EVERY_CHANNEL, *ContactChannel.values]),
            ),
            models.CheckConstraint(
                name="consent_state_known", condition=Q(state__in=ConsentState.values)
            ),
            models.CheckConstraint(
                name="consent_source_known", condition=Q(source__in=ConsentSource.values)
            ),
            models.CheckConstraint(
                name="consent_channel_only_where_the_purpose_has_some",
                condition=Q(channel=EVERY_CHANNEL) | Q(purpose__in=CHANNELLED),
            ),
            models.CheckConstraint(
                name="consent_given_for_one_channel_at_a_time",
                condition=Q(state=ConsentState.WITHDRAWN)
                | ~Q(channel=EVERY_CHANNEL)
                | ~Q(purpose__in=CHANNELLED),
            ),
            models.CheckConstraint(
                name="consent_given_with_text_and_evidence",
                condition=Q(state=ConsentState.WITHDRAWN) | (~Q(text_version="") & ~Q(evidence="")),
            ),
            models.CheckConstraint(
                name="consent_only_a_given_one_expires_and_later",
                condition=Q(expires_at=None)
                | Q(state=ConsentState.GIVEN, expires_at__gt=F("decided_at")),
            ),
            models.CheckConstraint(
                name="consent_decided_before_it_is_recorded",
                condition=Q(decided_at__lte=F("recorded_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.purpose} {self.channel or 'every channel'}"


class DoNotContact(models.TextChoices):
    WISH = "WISH", _("The customer asked for it")
    COMPLAINT = "COMPLAINT", _("Complained about being disturbed")
    BEREAVED = "BEREAVED", _("Bereavement or illness")
    LEGAL = "LEGAL", _("Court, police or regulator")


class ContactPreference(models.Model):
    """
    How a party wants to be contacted, whole; the last row is what holds.

    Rows stay as they are (the same trigger as for consents), so what was wished for at any time
    can be seen. The window is by the operator's clock, `[window_starts, window_ends)`, on
    `window_days` (Monday is 1); without times the whole day is. `do_not_contact` stops whatever
    is not part of the contract: offers and surveys, in every channel.
    """

    party = models.ForeignKey(Party, models.PROTECT, db_index=False, related_name="preferences")
    preferred_channel = models.CharField(max_length=6, choices=ContactChannel, blank=True)
    language = models.CharField(max_length=10, choices=settings.LANGUAGES, blank=True)
    window_starts = models.TimeField(null=True, blank=True)
    window_ends = models.TimeField(null=True, blank=True)
    window_days = ArrayField(models.PositiveSmallIntegerField(), default=whole_week)
    do_not_contact = models.CharField(max_length=9, choices=DoNotContact, blank=True)
    set_at = models.DateTimeField()
    interaction_id = models.UUIDField(null=True, blank=True)
    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
    )

    class Meta:
        default_permissions = ("view", "add")
        indexes = [
            models.Index("party", F("id").desc(), name="contactpreference_last"),
        ]
        constraints = [
            models.CheckConstraint(
                name="contactpreference_channel_known",
                condition=Q(preferred_channel__in=["", *ContactChannel.values]),
            ),
            models.CheckConstraint(
                name="contactpreference_do_not_contact_known",
                condition=Q(do_not_contact__in=["", *DoNotContact.values]),
            ),
            models.CheckConstraint(
                name="contactpreference_window_has_both_ends",
                condition=Q(window_starts=None, window_ends=None)
                | Q(
                    window_starts__isnull=False,
                    window_ends__isnull=False,
                    window_starts__lt=F("window_ends"),
                ),
            ),
            models.CheckConstraint(
                name="contactpreference_some_days_of_the_week",
                condition=Q(window_days__contained_by=list(WEEK), window_days__len__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"preferences of party {self.party_id} since {self.set_at}"
