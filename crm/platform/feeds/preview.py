"""
What would become of a file, judged by its beginning: the first rows, which column becomes
what, and everything that is wrong with the mapping or the file. Nothing is written.
"""

import gzip
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from crm.platform.access.masking import FieldClass, mask
from crm.platform.feeds.definition import FeedRefused, feed_named
from crm.platform.feeds.mapping import FeedMapping
from crm.platform.feeds.mapping_reader import read_mapping
from crm.platform.feeds.models import Batch
from crm.platform.feeds.plan import REJECT_COLUMNS, Plan, plan
from crm.platform.feeds.reading import RecordReader
from crm.platform.feeds.rejects import personal_columns
from crm.platform.feeds.survey import Survey, delimiter_of, header_of, survey

ROWS = 20
_BEGINNING = 1 << 20
_LONGEST_CELL = 60


@dataclass(frozen=True)
class ColumnView:
    """One column of the file: the feed's columns made of it, or the characteristic it becomes."""

    name: str
    targets: tuple[str, ...] = ()
    characteristic: str = ""
    value_type: str = ""

    @property
    def is_read(self) -> bool:
        return bool(self.targets or self.characteristic)


@dataclass
class Preview:
    """`problems` are sentences; while there is one, the file cannot be run."""

    problems: list[str] = field(default_factory=list)
    columns: list[ColumnView] = field(default_factory=list)
    constants: dict[str, str] = field(default_factory=dict)
    rows: list[list[str]] = field(default_factory=list)
    encoding: str = ""
    field_classes: frozenset[FieldClass] = frozenset()
    is_whole: bool = True


def preview_of(batch: Batch) -> Preview:
    """Return what a received batch would do. Reads a megabyte of its file at most."""
    found = Preview()
    mapping = _mapping_of(batch, found)
    try:
        with _beginning(Path(batch.file_path)) as (path, found.is_whole):
            surveyed = survey(path, most_bytes=settings.FEED_MOST_BYTES, encoding=mapping.encoding)
            found.encoding = surveyed.encoding
            _look_inside(batch, mapping, surveyed, found)
    except FeedRefused as refusal:
        found.problems.append(str(refusal))
    return found


def _mapping_of(batch: Batch, found: Preview) -> FeedMapping:
    if batch.mapping_text:
        try:
            return read_mapping(batch.mapping_text, feed=batch.feed)
        except FeedRefused as refusal:
            found.problems.append(str(refusal))
    return FeedMapping(feed=batch.feed)


@contextmanager
def _beginning(path: Path) -> Iterator[tuple[Path, bool]]:
    """Yield a file of the first megabyte, and whether that is the whole of it."""
    if not path.is_file():
        yield path, True
        return
    with path.open("rb") as raw:
        compressed = raw.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if compressed else path.open("rb") as source:
            head = source.read(_BEGINNING + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        yield path, True  # the survey says what is wrong with it
        return
    if len(head) <= _BEGINNING:
        yield path, True
        return
    with tempfile.TemporaryDirectory(prefix="feed-") as folder:
        cut = Path(folder) / path.name
        cut.write_bytes(head[: head.rfind(b"\n") + 1] or head)
        yield cut, False


def _look_inside(batch: Batch, mapping: FeedMapping, surveyed: Survey, found: Preview) -> None:
    planned: Plan | None = None
    try:
        planned = plan(
            feed=feed_named(batch.feed), mapping=mapping, survey=surveyed, at=timezone.now()
        )
        found.constants = dict(mapping.constants)
        header, reader = planned.header, planned.reader()
    except FeedRefused as refusal:
        if not found.problems:
            found.problems.append(str(refusal))
        delimiter = mapping.delimiter or delimiter_of(surveyed.first_line)
        quote = '"' if mapping.quote is None else mapping.quote
        header = header_of(surveyed.first_line, delimiter=delimiter, quote=quote)
        reader = RecordReader(surveyed, delimiter=delimiter, quote=quote)
    found.columns = [_column_view(name, planned) for name in header]
    personal = personal_columns(feed_named(batch.feed), mapping, header)
    found.field_classes = frozenset(personal.values())
    records = chain.from_iterable(reader.blocks())
    for record in islice(filter(None, records), 1, ROWS + 1):
        found.rows.append(
            [
                _shown(cell, personal.get(column.name), column.is_read)
                for cell, column in zip(record, found.columns, strict=False)
            ]
        )


def _column_view(name: str, planned: Plan | None) -> ColumnView:
    if planned is None or name in REJECT_COLUMNS:
        return ColumnView(name)
    targets = tuple(t for t, rule in planned.rules.items() if name in set(rule.columns()))
    kept = next((c for c in planned.characteristics if c.column == name), None)
    if kept is None:
        return ColumnView(name, targets)
    return ColumnView(name, targets, f"{kept.entity}.{kept.code}", kept.value_type)


def _shown(cell: str, personal: FieldClass | None, is_read: bool) -> str:
    """What a column holds that nothing reads nobody knows: it may be a name."""
    cell = cell.encode("utf-8", "replace").decode()
    if personal:
        return mask(cell, personal)
    if not is_read and len(cell) > 1:
        return f"{cell[0]}***"
    return cell if len(cell) <= _LONGEST_CELL else f"{cell[:_LONGEST_CELL]}…"
