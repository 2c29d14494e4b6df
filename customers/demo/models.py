from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class DemoState(models.TextChoices):
    BUILDING = "BUILDING", _("Being built")
    READY = "READY", _("Ready")


class DemoOperator(models.Model):
    """
    The one demo operator this database holds: what it was asked to be, and what it came to.

    The row is written before the first customer and says READY after the last: one that still
    says BUILDING while nobody builds was cut off, and the next run removes what it left.
    Its customers have the ids from `first_customer_id` to `last_customer_id`. `facts` is what
    the command answered, with what is true of the churn mechanism (see docs/demo.md).
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    state = models.CharField(max_length=8, choices=DemoState, default=DemoState.BUILDING)
    seed = models.BigIntegerField()
    months = models.PositiveSmallIntegerField()
    until = models.DateField()
    first_customer_id = models.BigIntegerField()
    last_customer_id = models.BigIntegerField()
    facts = models.JSONField(default=dict)
    begun_at = models.DateTimeField()
    ready_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="demooperator_only_one", condition=Q(id=1)),
            models.CheckConstraint(
                name="demooperator_ready_iff_ready_at",
                condition=Q(state=DemoState.READY, ready_at__isnull=False)
                | Q(state=DemoState.BUILDING, ready_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"demo operator until {self.until}"
