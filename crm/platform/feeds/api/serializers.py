"""Batches and rejected rows as REST answers them."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from crm.platform.api.exceptions import TooLarge
from crm.platform.feeds.models import Batch, Reject
from crm.platform.feeds.selectors import job_of
from crm.platform.feeds.shipped import shipped_mappings
from crm.platform.feeds.uploads import too_large

_COUNTS = ["rows", "created", "updated", "unchanged", "rejected", "late"]
_UNDONE = ["removed", "restored", "kept_because_changed"]


class DeliverySerializer(serializers.Serializer[Any]):
    """One file sent: as the field `file` of a form, or as the body with the rest as a query."""

    file = serializers.FileField(allow_empty_file=True)
    mapping = serializers.CharField(
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        max_length=200_000,
        help_text="Name of a mapping that comes with the program, or the text of one (TOML).",
    )
    dry_run = serializers.BooleanField(required=False, default=False)
    error_percent = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=100,
        help_text="Apply nothing if more of the rows than this are rejected.",
    )

    def validate_file(self, file: Any) -> Any:
        if file.size > settings.FEED_UPLOAD_LIMIT:
            raise TooLarge(too_large())
        return file

    def validate_mapping(self, mapping: str) -> str:
        if not mapping or "\n" in mapping or "=" in mapping or mapping in shipped_mappings():
            return mapping
        known = ", ".join(shipped_mappings())
        raise serializers.ValidationError(
            _("There is no mapping “%(name)s”. Known: %(known)s.")
            % {"name": mapping[:60], "known": known}
        )

    def chosen_mapping(self) -> tuple[str, str]:
        """Return the mapping's name and text, both "" for none."""
        mapping = self.validated_data.get("mapping", "")
        shipped = shipped_mappings().get(mapping)
        return ("", mapping) if shipped is None else (mapping, shipped)


class ProgressSerializer(serializers.Serializer[Any]):
    status = serializers.CharField()
    done = serializers.IntegerField()
    total = serializers.IntegerField(allow_null=True)
    message = serializers.CharField()


class BatchSerializer(serializers.ModelSerializer[Batch]):
    """A batch in a list."""

    dry_run = serializers.BooleanField(source="is_dry_run")
    mapping = serializers.CharField(source="mapping_name")
    duplicate_of = serializers.SlugRelatedField[Batch](slug_field="number", read_only=True)
    corrects = serializers.SlugRelatedField[Batch](slug_field="number", read_only=True)

    class Meta:
        model = Batch
        fields = [
            "number", "feed", "status", "dry_run", "file_name", "bytes", "sha256", "encoding",
            "mapping", "source", "as_of", *_COUNTS, *_UNDONE, "duplicate_of", "corrects",
            "notes", "error", "received_at", "started_at", "finished_at", "undone_at",
        ]  # fmt: skip


class BatchDetailSerializer(BatchSerializer):
    """One batch, with how far its job is while one works on it."""

    progress = serializers.SerializerMethodField()

    class Meta(BatchSerializer.Meta):
        fields = [*BatchSerializer.Meta.fields, "progress"]

    @extend_schema_field(ProgressSerializer(allow_null=True))
    def get_progress(self, batch: Batch) -> dict[str, Any] | None:
        job = job_of(batch)
        return None if job is None else dict(ProgressSerializer(job).data)


class RejectSerializer(serializers.Serializer[Reject]):
    """A rejected row. Values in its sentences and cells are masked where they are personal."""

    row_number = serializers.IntegerField()
    column = serializers.CharField()
    code = serializers.CharField()
    messages = serializers.SerializerMethodField()
    cells = serializers.SerializerMethodField()

    def get_messages(self, reject: Reject) -> list[str]:
        return self.context["describe"].sentences(reject)

    def get_cells(self, reject: Reject) -> dict[str, str]:
        cells = self.context["describe"].masked_cells(reject)
        return {name: value for name, value in cells if name in self.context["columns"]}
