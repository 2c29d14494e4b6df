from django.conf import settings
from django.db import models
from django.db.models import Q

from crm.platform.records import TimeStamped
from customers.models.customer import Customer


class Tag(TimeStamped):
    """A word that staff put on customers, the same word for everybody."""

    name = models.CharField(max_length=40, unique=True, db_collation="C")

    class Meta:
        ordering = ["name"]
        permissions = [("tag_customer", "Can put tags on customers and take them off")]
        constraints = [models.CheckConstraint(name="tag_has_a_name", condition=~Q(name=""))]

    def __str__(self) -> str:
        return self.name


class CustomerTag(TimeStamped):
    """One tag on one customer, and who put it there."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="tags", db_index=False)
    tag = models.ForeignKey(Tag, models.CASCADE, related_name="+")
    put_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(name="customertag_once", fields=["customer", "tag"]),
        ]

    def __str__(self) -> str:
        return f"{self.tag_id} on {self.customer_id}"
