from django.db import models
from django.db.models import F, Q


class Milestone(models.Model):
    """
    Something done once in the life of this database, such as making the demo operator.

    Begun and not done means that it was cut off half-way.
    """

    name = models.CharField(max_length=60, unique=True)
    begun_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="milestone_done_after_begun",
                condition=Q(done_at=None) | Q(done_at__gte=F("begun_at")),
            ),
        ]

    def __str__(self) -> str:
        return self.name
