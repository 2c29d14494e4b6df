from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crm.platform.access.models import Staff
from crm.platform.records import TimeStamped
from customers.models.customer import Customer


class MergeQuerySet(models.QuerySet["CustomerMerge"]):
    def visible_to(self, staff: Staff) -> "MergeQuerySet":
        """The merges of whose both records the account may see."""
        within = Customer.objects.within_reach(staff).values("pk")
        return self.filter(survivor__in=within, absorbed__in=within)

    def in_force(self) -> "MergeQuerySet":
        return self.filter(undone_at=None)


class CustomerMerge(TimeStamped):
    """
    One merge (归并): `absorbed` became part of `survivor`, until it is undone.

    `changes` is what the merge changed in fields, as groups that are taken back together or not
    at all: [[{"model", "id", "column", "before", "after"}]], in the order they were written.
    `moved` counts the rows that moved, by model. Which rows they were: MergedRow.
    """

    survivor = models.ForeignKey(Customer, models.PROTECT, related_name="merges")
    absorbed = models.ForeignKey(Customer, models.PROTECT, related_name="mergers")
    absorbed_status = models.CharField(max_length=8)
    merged_at = models.DateTimeField()
    merged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(max_length=300, blank=True)
    changes = models.JSONField(default=list)
    moved = models.JSONField(default=dict)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = MergeQuerySet.as_manager()

    class Meta:
        permissions = [
            ("merge_customer", "Can merge two customers and undo a merge"),
        ]
        constraints = [
            models.CheckConstraint(
                name="customermerge_of_two", condition=~Q(survivor=F("absorbed"))
            ),
            models.CheckConstraint(
                name="customermerge_undone_after_it_was_made",
                condition=Q(undone_at=None) | Q(undone_at__gte=F("merged_at")),
            ),
            models.UniqueConstraint(
                name="customermerge_absorbed_once_at_a_time",
                fields=["absorbed"],
                condition=Q(undone_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.absorbed_id} into {self.survivor_id}"


class MergedRow(models.Model):
    """
    One row that a merge moved to the survivor; or, where `stays`, one that had been the
    survivor's before although it is about a line or account of the absorbed customer.

    `key` names the row within its table, as `customers.merging.moves` says.
    """

    merge = models.ForeignKey(CustomerMerge, models.CASCADE, related_name="rows")
    model = models.CharField(max_length=60)
    key = models.CharField(max_length=100, db_collation="C")
    stays = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="mergedrow_once", fields=["merge", "model", "key"]),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.key} in merge {self.merge_id}"


class CandidateStatus(models.TextChoices):
    OPEN = "OPEN", _("To be looked at")
    REJECTED = "REJECTED", _("Not a duplicate")
    MERGED = "MERGED", _("Merged")


class CandidateQuerySet(models.QuerySet["DuplicateCandidate"]):
    def visible_to(self, staff: Staff) -> "CandidateQuerySet":
        """The pairs of which the account may see both: one hidden half hides the pair."""
        within = Customer.objects.within_reach(staff).values("pk")
        return self.filter(left__in=within, right__in=within)

    def open(self) -> "CandidateQuerySet":
        return self.filter(status=CandidateStatus.OPEN)


class DuplicateCandidate(TimeStamped):
    """
    Two customers that may be one (疑似重复), the older record on the left.

    `evidence` counts what they share by kind (see `customers.merging.evidence`) and holds no
    personal data; `score` follows from it, 0 to 100. A rejected pair stays rejected until it
    shares more than `rejected_evidence`.

    Without a foreign key in the database: a guess of ours shall not keep a customer whom a
    file brought from being taken back with it. A pair of somebody gone is seen by nobody.
    """

    left = models.ForeignKey(Customer, models.CASCADE, related_name="+", db_constraint=False)
    right = models.ForeignKey(Customer, models.CASCADE, related_name="+", db_constraint=False)
    score = models.PositiveSmallIntegerField()
    evidence = models.JSONField(default=dict)
    status = models.CharField(max_length=8, choices=CandidateStatus, default=CandidateStatus.OPEN)
    found_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(max_length=300, blank=True)
    rejected_evidence = models.JSONField(default=dict)

    objects = CandidateQuerySet.as_manager()

    class Meta:
        permissions = [
            ("review_duplicates", "Can look through customers that may be one"),
        ]
        indexes = [
            models.Index(
                name="duplicate_open_by_score",
                fields=["-score", "-id"],
                condition=Q(status=CandidateStatus.OPEN),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="duplicatecandidate_older_on_the_left",
                condition=Q(left__lt=F("right")),
            ),
            models.CheckConstraint(
                name="duplicatecandidate_status_known",
                condition=Q(status__in=CandidateStatus.values),
            ),
            models.CheckConstraint(
                name="duplicatecandidate_score_0_to_100", condition=Q(score__lte=100)
            ),
            models.CheckConstraint(
                name="duplicatecandidate_decided_iff_not_open",
                condition=Q(status=CandidateStatus.OPEN, decided_at=None)
                | (~Q(status=CandidateStatus.OPEN) & Q(decided_at__isnull=False)),
            ),
            models.UniqueConstraint(
                name="duplicatecandidate_each_pair_once", fields=["left", "right"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.left_id} and {self.right_id}: {self.score}"
