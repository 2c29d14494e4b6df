from django.db import models
from django.db.models import Q

from crm.platform.access.models import OrgUnit


class MetricValue(models.Model):
    """
    One figure of a month, counted beforehand: which metric, for which city and source.

    `numerator` and `denominator` add up over cities and sources; what a page shows is worked
    out from their sums (see `analytics.metrics.definitions`). `bucket` is the bar of a
    distribution, 0 elsewhere. `city` is null for customers kept above any city.
    """

    code = models.CharField(max_length=30)
    month = models.DateField()
    bucket = models.PositiveSmallIntegerField(default=0)
    city = models.ForeignKey(OrgUnit, models.CASCADE, null=True, blank=True, related_name="+")
    source = models.CharField(max_length=40)
    numerator = models.BigIntegerField()
    denominator = models.BigIntegerField(default=0)
    refreshed_at = models.DateTimeField()

    class Meta:
        permissions = [("view_metric", "Can see the dashboards")]
        constraints = [
            models.UniqueConstraint(
                name="metricvalue_once",
                fields=["code", "month", "bucket", "city", "source"],
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="metricvalue_denominator_not_negative", condition=Q(denominator__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.month:%Y-%m}"
