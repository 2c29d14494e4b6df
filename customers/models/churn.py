from django.db import models
from django.db.models import Q


class ChurnScore(models.Model):
    """
    How likely a subscriber is to leave within the model's horizon after `as_of`.

    Partitioned by month of `as_of`. `decile` 1 is the tenth most likely to leave. `reasons` are
    the three features that pushed this row's probability up most: [{"feature", "value",
    "contribution"}], contributions in log-odds. `model_version` names the analytics model.
    """

    pk = models.CompositePrimaryKey("as_of", "subscriber_id")
    as_of = models.DateField()
    subscriber_id = models.BigIntegerField()
    customer_id = models.BigIntegerField()
    probability = models.FloatField()
    decile = models.PositiveSmallIntegerField()
    reasons = models.JSONField(default=list)
    model_version = models.CharField(max_length=40)
    scored_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(name="churnscore_of_customer", fields=["customer_id", "-as_of"]),
            models.Index(name="churnscore_by_decile", fields=["as_of", "decile", "subscriber_id"]),
        ]
        constraints = [
            models.CheckConstraint(
                name="churnscore_probability_0_to_1",
                condition=Q(probability__gte=0, probability__lte=1),
            ),
            models.CheckConstraint(
                name="churnscore_decile_1_to_10", condition=Q(decile__range=(1, 10))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber_id} as of {self.as_of}"
