from django.conf import settings
from django.db import models
from django.db.models import Q

from crm.platform.records import TimeStamped
from customers.models.customer import Customer
from customers.models.party import PartyKind


class PartyCorrection(TimeStamped):
    """
    One correction of a key field (资料更正): what was changed, why, and on what evidence.

    `fields` names what was corrected ("name", "document"). What it was before and became is in
    the history of the party and its documents, not here: this outlives neither.
    """

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="corrections")
    fields = models.JSONField(default=list)
    evidence = models.CharField(max_length=200)
    reason = models.CharField(max_length=300)
    corrected_at = models.DateTimeField()
    corrected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        permissions = [
            ("correct_party", "Can correct a name or a document, on evidence"),
            ("review_identity", "Can list the customers whose identity is due"),
        ]
        constraints = [
            models.CheckConstraint(name="partycorrection_on_evidence", condition=~Q(evidence="")),
        ]

    def __str__(self) -> str:
        return f"correction {self.pk} of {self.customer_id}"


class CompletenessWeight(TimeStamped):
    """
    How much one mandatory field of a kind of party counts (`customers.care.completeness`).

    Weights are relative: the score is the weight of what is filled by the weight of all. A kind
    without a row here has the weights that the program comes with.
    """

    kind = models.CharField(max_length=12, choices=PartyKind)
    field = models.SlugField(max_length=30)
    weight = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["kind", "-weight", "field"]
        constraints = [
            models.UniqueConstraint(name="completenessweight_once", fields=["kind", "field"]),
            models.CheckConstraint(name="completenessweight_counts", condition=Q(weight__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.field} {self.weight}"
