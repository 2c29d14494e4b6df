from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.platform.access.models import Staff
from crm.platform.errors import DomainError
from crm.platform.jobs.registry import label_of
from crm.platform.records import uuid7

if TYPE_CHECKING:
    from typing import Self

TRIES = 3
"""How often a job is started before the loss of its worker counts as its failure."""


class JobStatus(models.TextChoices):
    QUEUED = "QUEUED", _("Waiting")
    RUNNING = "RUNNING", _("Running")
    SUCCEEDED = "SUCCEEDED", _("Done")
    FAILED = "FAILED", _("Failed")
    CANCELLED = "CANCELLED", _("Cancelled")


class IllegalMove(DomainError):
    code = "job_illegal_move"


class JobQuerySet(models.QuerySet["Job"]):
    def visible_to(self, staff: Staff) -> "Self":
        """Keep one's own jobs; everybody's with `jobs.view_all`."""
        if staff.has_perm("jobs.view_all"):
            return self
        return self.filter(created_by=staff.pk)

    def open(self) -> "Self":
        return self.filter(status__in=[JobStatus.QUEUED, JobStatus.RUNNING])

    def count_open(self) -> dict[str, float]:
        """Return how many wait and how many run, by status in lower case."""
        found = dict(self.open().values_list("status").annotate(n=models.Count("*")))
        return {
            str(status).lower(): float(found.get(status, 0))
            for status in (JobStatus.QUEUED, JobStatus.RUNNING)
        }


class Job(models.Model):
    """
    One piece of background work: what it does, how far it is, and what came of it.

    `attempt` counts the starts and is the running worker's token: whatever it writes names its
    own attempt, so a worker that was given up for dead can no longer say anything.
    """

    MOVES = {
        JobStatus.QUEUED: {JobStatus.RUNNING, JobStatus.CANCELLED, JobStatus.FAILED},
        JobStatus.RUNNING: {
            JobStatus.SUCCEEDED,
            JobStatus.FAILED,
            JobStatus.CANCELLED,
            JobStatus.QUEUED,
        },
        JobStatus.SUCCEEDED: set(),
        JobStatus.FAILED: {JobStatus.QUEUED},
        JobStatus.CANCELLED: {JobStatus.QUEUED},
    }

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=60)
    queue = models.CharField(max_length=30)
    params = models.JSONField(default=dict)
    status = models.CharField(max_length=9, choices=JobStatus, default=JobStatus.QUEUED)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True, blank=True)
    message = models.CharField(max_length=300, blank=True)
    result = models.JSONField(null=True, blank=True)
    error = models.CharField(max_length=1000, blank=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    attempt_limit = models.PositiveSmallIntegerField(default=TRIES)
    created_by = models.ForeignKey(
        Staff, models.PROTECT, null=True, blank=True, related_name="jobs"
    )
    created_at = models.DateTimeField()
    queued_at = models.DateTimeField()
    ring_at = models.DateTimeField()
    rings = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")

    objects = JobQuerySet.as_manager()

    class Meta:
        default_permissions = ("view",)
        permissions = [("view_all", "Can view everybody's jobs")]
        indexes = [
            models.Index(name="job_of_staff", fields=["created_by", "-id"]),
            models.Index(
                name="job_open",
                fields=["status", "queued_at"],
                condition=Q(status__in=[JobStatus.QUEUED, JobStatus.RUNNING]),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="job_status_known", condition=Q(status__in=JobStatus.values)
            ),
            models.CheckConstraint(
                name="job_running_has_a_heartbeat",
                condition=~Q(status=JobStatus.RUNNING)
                | Q(started_at__isnull=False, heartbeat_at__isnull=False),
            ),
            models.CheckConstraint(
                name="job_finished_iff_finished_at",
                condition=Q(status__in=[JobStatus.QUEUED, JobStatus.RUNNING], finished_at=None)
                | Q(
                    status__in=[JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED],
                    finished_at__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="job_failed_iff_error",
                condition=(Q(status=JobStatus.FAILED) & ~Q(error=""))
                | (~Q(status=JobStatus.FAILED) & Q(error="")),
            ),
            models.CheckConstraint(
                name="job_result_only_when_succeeded",
                condition=Q(status=JobStatus.SUCCEEDED) | Q(result=None),
            ),
            models.CheckConstraint(
                name="job_attempts_within_limit", condition=Q(attempt__lte=F("attempt_limit"))
            ),
            models.CheckConstraint(
                name="job_cancelled_was_asked_for",
                condition=~Q(status=JobStatus.CANCELLED) | Q(cancel_requested_at__isnull=False),
            ),
            models.CheckConstraint(name="job_done_not_negative", condition=Q(done__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def label(self) -> str | Promise:
        return label_of(self.kind)

    @property
    def result_templates(self) -> list[str]:
        """The room's own template for this kind's result, or the common one."""
        return [f"jobs/results/{self.kind}.html", "jobs/_result.html"]

    @property
    def is_finished(self) -> bool:
        return self.finished_at is not None

    def is_silent_since(self, moment: datetime) -> bool:
        return self.heartbeat_at is not None and self.heartbeat_at < moment

    @property
    def percent(self) -> int | None:
        """Whole per cent done, rounded down; None while the total is not known."""
        if self.status == JobStatus.SUCCEEDED:
            return 100
        if not self.total:
            return None
        return min(100, self.done * 100 // self.total)

    def move_to(self, status: JobStatus) -> None:
        """
        Change the status in memory, if the job's life allows it.

        :raises IllegalMove: otherwise.
        """
        if status not in self.MOVES[JobStatus(self.status)]:
            raise IllegalMove(
                _("This job is %(now)s; it cannot become %(next)s.")
                % {"now": self.get_status_display().lower(), "next": status.label.lower()}
            )
        self.status = status

    def requeue(self, *, at: datetime, ring_at: datetime) -> None:
        """Forget in memory how the last run ended."""
        self.queued_at, self.ring_at, self.rings = at, ring_at, 0
        self.error, self.result, self.finished_at = "", None, None
        self.cancel_requested_at = self.cancelled_by = None

    @property
    def language(self) -> str:
        """The language of who waits for it."""
        return self.created_by.language if self.created_by else settings.LANGUAGE_CODE
