from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import MD5
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.platform.errors import DomainError
from crm.platform.records import TimeStamped


class KeyFieldChanged(DomainError):
    """A key field was about to be saved past `customers.care.correction.correct_party`."""

    code = "key_field_only_by_correction"


class WithKeyFields(TimeStamped):
    """
    A record of which `key_fields` say who somebody is. A row that was read from the database
    cannot be saved with others: they change by a correction on evidence, a merge or a file.
    """

    key_fields: tuple[str, ...] = ()

    class Meta:
        abstract = True

    @classmethod
    def from_db(cls, db: str | None, field_names: Any, values: Any, **more: Any) -> Self:
        row = super().from_db(db, field_names, values, **more)
        row.__dict__["_keys_read"] = {n: row.__dict__.get(n) for n in cls.key_fields}
        return row

    def save(self, *args: Any, **kwargs: Any) -> None:
        """:raises KeyFieldChanged: if a key field is not what was read."""
        for name, read in self.__dict__.get("_keys_read", {}).items():
            if read is not None and _plain(self.__dict__.get(name)) != _plain(read):
                raise KeyFieldChanged(
                    gettext("A name or a document changes only by a correction, on evidence.")
                )
        super().save(*args, **kwargs)


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


class PartyKind(models.TextChoices):
    INDIVIDUAL = "INDIVIDUAL", _("Individual")
    ORGANISATION = "ORGANISATION", _("Organisation")


class Sex(models.TextChoices):
    FEMALE = "FEMALE", _("Female")
    MALE = "MALE", _("Male")


class Party(WithKeyFields):
    """
    A person or an organisation (参与人), whatever roles it plays.

    `sort_key` is the name in pinyin (Latin names: lower case): lists of names sort by it,
    because the database has no Chinese collation.
    """

    key_fields = ("name",)

    kind = models.CharField(max_length=12, choices=PartyKind)
    name = models.CharField(max_length=200)
    sort_key = models.CharField(max_length=200, blank=True, db_collation="C")
    birth_date = models.DateField(null=True, blank=True)
    sex = models.CharField(max_length=6, choices=Sex, blank=True)
    industry = models.CharField(max_length=60, blank=True)
    legal_representative = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="party_kind_known", condition=Q(kind__in=PartyKind.values)),
            models.CheckConstraint(name="party_has_a_name", condition=~Q(name="")),
        ]
        indexes = [
            models.Index(name="party_by_name", fields=["sort_key", "id"]),
            # Same or like name and same birth date: who may be one.
            models.Index(
                name="party_by_name_and_birth",
                fields=["sort_key", "birth_date"],
                condition=~Q(birth_date=None),
            ),
        ]

    def __str__(self) -> str:
        return f"party {self.pk}"


class IdentificationKind(models.TextChoices):
    ID_CARD = "ID_CARD", _("Resident identity card")
    PASSPORT = "PASSPORT", _("Passport")
    RESIDENCE_PERMIT = "RESIDENCE_PERMIT", _("Residence permit")
    TRAVEL_PERMIT = "TRAVEL_PERMIT", _("Travel permit")
    MILITARY = "MILITARY", _("Military officer card")
    BUSINESS_LICENCE = "BUSINESS_LICENCE", _("Business licence")
    OTHER = "OTHER", _("Other document")


class PartyIdentification(WithKeyFields):
    """
    One identity document of a party (证件).

    The number is kept encrypted (`number_encrypted`: key id + AES-GCM, see
    `customers.identity`), beside a keyed hash that finds it again and its masked form for the
    screen. Two parties may carry the same unverified number; a verified one belongs to one.
    """

    key_fields = ("kind", "number_hash")

    party = models.ForeignKey(Party, models.CASCADE, related_name="identifications")
    kind = models.CharField(max_length=16, choices=IdentificationKind)
    number_encrypted = models.BinaryField()
    number_hash = models.BinaryField(max_length=16)
    number_masked = models.CharField(max_length=40)
    issuer = models.CharField(max_length=100, blank=True)
    valid_to = models.DateField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    verified_by = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes = [
            models.Index(
                name="identification_by_validity",
                fields=["valid_to", "id"],
                condition=~Q(valid_to=None),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="identification_kind_known", condition=Q(kind__in=IdentificationKind.values)
            ),
            models.UniqueConstraint(
                name="identification_once_per_party", fields=["number_hash", "kind", "party"]
            ),
            models.UniqueConstraint(
                name="identification_verified_belongs_to_one_party",
                fields=["kind", "number_hash"],
                condition=Q(verified_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number_masked}"


class MediumKind(models.TextChoices):
    PHONE = "PHONE", _("Phone")
    EMAIL = "EMAIL", _("E-mail")
    ADDRESS = "ADDRESS", _("Address")
    WECHAT = "WECHAT", _("WeChat")


class ContactMedium(TimeStamped):
    """One way to reach a party (联系方式), valid from `starts_at` until `ends_at`."""

    party = models.ForeignKey(Party, models.CASCADE, related_name="media")
    kind = models.CharField(max_length=8, choices=MediumKind)
    value = models.CharField(max_length=300)
    is_preferred = models.BooleanField(default=False)
    verified_at = models.DateTimeField(null=True, blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="contactmedium_kind_known", condition=Q(kind__in=MediumKind.values)
            ),
            models.CheckConstraint(
                name="contactmedium_ends_after_it_starts",
                condition=Q(ends_at=None) | Q(ends_at__gt=models.F("starts_at")),
            ),
            models.UniqueConstraint(
                name="contactmedium_current_once",
                fields=["party", "kind", "value"],
                condition=Q(ends_at=None),
            ),
        ]
        indexes = [
            # Who else lives there: addresses are long, so their digest is looked up.
            models.Index(
                MD5("value"),
                name="contactmedium_by_address",
                condition=Q(kind=MediumKind.ADDRESS, ends_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of party {self.party_id}"
