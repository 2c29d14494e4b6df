from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from customers.models.customer import Customer

EDITABLE_FOR = timedelta(minutes=15)
"""So long may an author put right what they wrote; the database keeps it as it is afterwards."""


class Note(models.Model):
    """What somebody wants colleagues to know of a customer. Never deleted."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="notes", db_index=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    text = models.CharField(max_length=2000)
    written_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, blank=True)
    interaction_id = models.UUIDField(null=True, blank=True)

    class Meta:
        default_permissions = ("view", "add")
        indexes = [
            models.Index(name="note_of_customer", fields=["customer", "-written_at", "-id"]),
        ]
        constraints = [
            models.CheckConstraint(name="note_says_something", condition=~Q(text="")),
            models.CheckConstraint(
                name="note_edited_soon_after_it_was_written",
                condition=Q(edited_at=None)
                | Q(
                    edited_at__gte=F("written_at"),
                    edited_at__lte=F("written_at") + EDITABLE_FOR,
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"note {self.pk} of {self.customer_id}"


class Mention(models.Model):
    """A member of staff named in a note. It stays on their desk until they have seen it."""

    note = models.ForeignKey(Note, models.CASCADE, related_name="mentions")
    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="mentions", db_index=False
    )
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(name="mention_unseen", fields=["staff", "-id"], condition=Q(seen_at=None))
        ]
        constraints = [models.UniqueConstraint(name="mention_once", fields=["note", "staff"])]

    def __str__(self) -> str:
        return f"{self.staff_id} in note {self.note_id}"
