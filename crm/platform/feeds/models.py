from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.platform.errors import DomainError
from crm.platform.feeds.definition import label_of


class BatchStatus(models.TextChoices):
    RECEIVED = "RECEIVED", _("Received")
    RUNNING = "RUNNING", _("Running")
    INTERRUPTED = "INTERRUPTED", _("Interrupted")
    CHECKED = "CHECKED", _("Checked, nothing applied")
    APPLIED = "APPLIED", _("Applied")
    REFUSED = "REFUSED", _("Refused")
    CANCELLED = "CANCELLED", _("Cancelled")
    UNDONE = "UNDONE", _("Undone")


class IllegalMove(DomainError):
    code = "batch_illegal_move"


class Batch(models.Model):
    """
    One delivery of one file, and what became of its rows.

    `rows` is every data row of the file; a finished batch has rows = created + updated +
    unchanged + rejected. `staged_rows` tells a run that was cut off that staging is complete;
    its chunks tell how far applying came. `mapping_text` is the mapping as it was used, for
    ever. `context` is what its feed found before the first chunk and all chunks must agree on.
    `late` counts applied rows of a month that had been closed already.
    """

    MOVES = {
        BatchStatus.RECEIVED: {BatchStatus.RUNNING, BatchStatus.REFUSED, BatchStatus.CANCELLED},
        BatchStatus.RUNNING: {
            BatchStatus.INTERRUPTED,
            BatchStatus.CHECKED,
            BatchStatus.APPLIED,
            BatchStatus.REFUSED,
            BatchStatus.CANCELLED,
        },
        BatchStatus.INTERRUPTED: {BatchStatus.RUNNING, BatchStatus.CANCELLED},
        BatchStatus.CHECKED: set(),
        BatchStatus.APPLIED: {BatchStatus.UNDONE},
        BatchStatus.REFUSED: set(),
        BatchStatus.CANCELLED: set(),
        BatchStatus.UNDONE: set(),
    }

    number = models.CharField(max_length=30, unique=True)
    feed = models.CharField(max_length=40)
    status = models.CharField(max_length=11, choices=BatchStatus, default=BatchStatus.RECEIVED)
    is_dry_run = models.BooleanField(default=False)
    file_name = models.CharField(max_length=255)
    file_path = models.CharField(max_length=1000)
    sha256 = models.CharField(max_length=64, blank=True)
    bytes = models.BigIntegerField(default=0)
    encoding = models.CharField(max_length=20, blank=True)
    header = models.JSONField(default=list)
    mapping_name = models.CharField(max_length=100, blank=True)
    mapping_text = models.TextField(blank=True)
    source = models.CharField(max_length=40, blank=True)
    as_of = models.DateField(null=True, blank=True)
    error_percent = models.PositiveSmallIntegerField(null=True, blank=True)
    duplicate_of = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="duplicates"
    )
    corrects = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="corrections"
    )
    staged_rows = models.BigIntegerField(null=True, blank=True)
    rows = models.BigIntegerField(default=0)
    created = models.BigIntegerField(default=0)
    updated = models.BigIntegerField(default=0)
    unchanged = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    late = models.BigIntegerField(default=0)
    removed = models.BigIntegerField(default=0)
    restored = models.BigIntegerField(default=0)
    kept_because_changed = models.BigIntegerField(default=0)
    context = models.JSONField(default=dict)
    notes = models.JSONField(default=list)
    error = models.CharField(max_length=1000, blank=True)
    job_id = models.UUIDField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    received_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "batches"
        default_permissions = ("view", "add")
        permissions = [
            ("undo_batch", "Can undo a batch"),
            ("export_reject", "Can download everybody's rejected rows"),
        ]
        indexes = [
            models.Index(name="batch_same_file", fields=["feed", "sha256"]),
            models.Index(name="batch_same_name", fields=["feed", "file_name"]),
            models.Index(name="batch_of_feed", fields=["feed", "-id"]),
        ]
        constraints = [
            models.CheckConstraint(
                name="batch_status_known", condition=Q(status__in=BatchStatus.values)
            ),
            models.CheckConstraint(
                name="batch_counts_add_up",
                condition=~Q(status__in=["APPLIED", "CHECKED", "UNDONE"])
                | Q(rows=F("created") + F("updated") + F("unchanged") + F("rejected")),
            ),
            models.CheckConstraint(
                name="batch_undoes_no_more_than_it_did",
                condition=Q(
                    removed__lte=F("created"),
                    restored__lte=F("updated"),
                    kept_because_changed__lte=F("created")
                    + F("updated")
                    - F("removed")
                    - F("restored"),
                ),
            ),
            models.CheckConstraint(
                name="batch_undone_iff_undone_at",
                condition=Q(status="UNDONE", undone_at__isnull=False)
                | (~Q(status="UNDONE") & Q(undone_at=None)),
            ),
            models.CheckConstraint(
                name="batch_checked_iff_dry_run",
                condition=~Q(status="CHECKED", is_dry_run=False)
                & ~Q(status="APPLIED", is_dry_run=True),
            ),
            models.CheckConstraint(
                name="batch_finished_iff_finished_at",
                condition=Q(
                    status__in=["RECEIVED", "RUNNING", "INTERRUPTED"], finished_at__isnull=True
                )
                | Q(
                    status__in=["CHECKED", "APPLIED", "REFUSED", "CANCELLED", "UNDONE"],
                    finished_at__isnull=False,
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.feed} {self.number}"

    def move_to(self, status: BatchStatus) -> None:
        """
        Change the status in memory, if the batch's life allows it.

        :raises IllegalMove: otherwise.
        """
        if status not in self.MOVES[BatchStatus(self.status)]:
            raise IllegalMove(
                _("Batch %(number)s is “%(now)s”; it cannot become “%(next)s”.")
                % {"number": self.number, "now": self.get_status_display(), "next": status.label}
            )
        self.status = status

    @property
    def label(self) -> str | Promise:
        return label_of(self.feed)

    @property
    def is_finished(self) -> bool:
        return self.finished_at is not None


class BatchChunk(models.Model):
    """
    A run of staged rows that was applied in one transaction: where to go on after an
    interruption, and the mark by which an undo finds what the chunk wrote.

    `transaction` is that transaction's id as the database stamps it on every row version
    (xmin). A row that still bears it was not touched since. Nothing is stored per created row.
    `created_ids` are the ids of created entities, as an int8multirange. `span` is the first and
    last month or moment of the rows written to a partitioned table.
    """

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    first_row = models.BigIntegerField()
    last_row = models.BigIntegerField()
    transaction = models.BigIntegerField(null=True)
    full_transaction = models.BigIntegerField(null=True)
    created = models.BigIntegerField(default=0)
    updated = models.BigIntegerField(default=0)
    unchanged = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    late = models.BigIntegerField(default=0)
    created_ids = models.TextField(blank=True)
    span = models.JSONField(default=list)
    applied_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="batchchunk_once", fields=["batch", "number"]),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id} rows {self.first_row}–{self.last_row}"


class BeforeImage(models.Model):
    """
    A row as it was before a chunk changed it, and the transaction that had written it so.
    Written set by set, so without a foreign key checked row by row.
    """

    chunk = models.ForeignKey(BatchChunk, models.CASCADE, related_name="+", db_constraint=False)
    table = models.CharField(max_length=63)
    before = models.JSONField()
    written_by = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.table} before chunk {self.chunk_id}"


class Reject(models.Model):
    """
    A row that was not applied, and why. `row_number` counts the header as row 1, as a
    spreadsheet does. `raw` is the row's cells in the order of the batch's header.
    `column`, `code` and `detail` are the first finding; `more` are the others.
    """

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="rejects", db_constraint=False)
    row_number = models.BigIntegerField()
    column = models.CharField(max_length=200, blank=True)
    code = models.CharField(max_length=60)
    detail = models.CharField(max_length=1000, blank=True)
    more = models.JSONField(default=list)
    raw = models.JSONField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="reject_once_per_row", fields=["batch", "row_number"]),
        ]

    def __str__(self) -> str:
        return f"row {self.row_number} of {self.batch_id}: {self.code}"
