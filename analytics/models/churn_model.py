from datetime import date, datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.platform.access.models import Staff
from crm.platform.errors import DomainError
from crm.platform.records import TimeStamped


class IllegalMove(DomainError):
    code = "illegal_move"


class ModelStatus(models.TextChoices):
    CANDIDATE = "CANDIDATE", _("Candidate")
    ACTIVE = "ACTIVE", pgettext_lazy("a churn model", "Active")
    RETIRED = "RETIRED", _("Retired")


class ChurnModel(TimeStamped):
    """
    One trained model of who leaves: what it was trained on, how good it is, and all it takes
    to score with it. Nothing is pickled: `booster` is the tree library's own portable format,
    the rest is JSON.

    `features` are [{"code", "kind", "vocabulary", "definition"}] in column order, `definition`
    a digest of the SQL, so that a model never scores with features that changed under it.
    `leaks` are [{"code", "auc", "excluded"}]: features that knew the outcome alone.
    `metrics` are those of the held-out rows. `trained_by` is null for a command; `activated_by`
    and `retired_by` are whoever did so last, the events `analytics.model.*` tell every time.
    """

    MOVES = {
        ModelStatus.CANDIDATE: {ModelStatus.ACTIVE, ModelStatus.RETIRED},
        ModelStatus.ACTIVE: {ModelStatus.RETIRED},
        ModelStatus.RETIRED: {ModelStatus.ACTIVE},
    }

    version = models.CharField(max_length=40, unique=True, db_collation="C")
    status = models.CharField(max_length=9, choices=ModelStatus, default=ModelStatus.CANDIDATE)
    as_of = models.DateField()
    horizon_days = models.PositiveSmallIntegerField()
    sources = models.JSONField(default=list)
    trained_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    trained_at = models.DateTimeField()
    activated_at = models.DateTimeField(null=True, blank=True)
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    retired_at = models.DateTimeField(null=True, blank=True)
    retired_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    parameters = models.JSONField(default=dict)
    features = models.JSONField(default=list)
    leaks = models.JSONField(default=list)
    metrics = models.JSONField(default=dict)
    curves = models.JSONField(default=dict)
    importance = models.JSONField(default=list)
    booster = models.BinaryField()
    calibration = models.JSONField(default=dict)
    baseline = models.JSONField(default=dict)

    class Meta:
        ordering = ["-trained_at", "-pk"]
        permissions = [
            ("train_churnmodel", "Can train a churn model and score with it"),
            ("activate_churnmodel", "Can activate or retire a churn model"),
        ]
        constraints = [
            models.CheckConstraint(
                name="churnmodel_status_known", condition=Q(status__in=ModelStatus.values)
            ),
            models.CheckConstraint(
                name="churnmodel_horizon_from_a_day", condition=Q(horizon_days__gte=1)
            ),
            models.UniqueConstraint(
                models.F("sources"),
                name="churnmodel_one_active_for_its_sources",
                condition=Q(status="ACTIVE"),
            ),
        ]

    def __str__(self) -> str:
        return self.version

    def move_to(self, status: ModelStatus, *, actor: Staff | None, at: datetime) -> None:
        """
        Change the status in memory, if the model's life allows it, and who did so.

        :raises IllegalMove: otherwise.
        """
        if status not in self.MOVES[ModelStatus(self.status)]:
            raise IllegalMove(
                _("Model %(version)s is %(now)s; it cannot become %(next)s.")
                % {
                    "version": self.version,
                    "now": self.get_status_display().lower(),
                    "next": str(status.label).lower(),
                }
            )
        self.status = status
        if status == ModelStatus.ACTIVE:
            self.activated_at, self.activated_by = at, actor
            self.retired_at = self.retired_by = None
        else:
            self.retired_at, self.retired_by = at, actor


class ScoringRun(TimeStamped):
    """
    One scoring of the base: which model, which day, how many rows, how long.

    `finished_at` stays null for a run that was cancelled or died; scoring the day again
    replaces whatever it left.
    """

    model = models.ForeignKey(ChurnModel, models.CASCADE, related_name="runs")
    as_of = models.DateField()
    sources = models.JSONField(default=list)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    scored = models.PositiveBigIntegerField(default=0)
    # The margin (log-odds) from which each of the deciles 1 to 9 begins.
    thresholds = models.JSONField(default=list)

    class Meta:
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                name="scoringrun_ends_after_it_started",
                condition=Q(finished_at=None) | Q(finished_at__gte=models.F("started_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_id} of {self.as_of}"


def version_of(day: date, number: int) -> str:
    """The name of a model: the day it looks from, and which of that day's it is."""
    return f"churn-{day:%Y%m%d}-{number}"
