"""What a feed is, and which feeds there are. Apps declare theirs and register them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from crm.platform.errors import DomainError
from crm.platform.feeds.columns import Column

if TYPE_CHECKING:
    from crm.platform.feeds.chunks import Chunk
    from crm.platform.feeds.models import Batch
    from crm.platform.feeds.undo import Undoing

Derive = Callable[[list[str]], list[str]]


class FeedRefused(DomainError):
    """A file, a mapping or a request that cannot be taken at all; nothing of it was applied."""

    code = "feed_refused"


@dataclass(frozen=True)
class Staged:
    """A column that is computed while the file is read, and its type in the staging table."""

    name: str
    staged_as: str


@dataclass(frozen=True)
class Characteristic:
    """An extra column of the operator's file, kept under `code` as JSON of its type."""

    entity: str
    code: str
    column: str
    value_type: str
    name: str = ""
    name_zh: str = ""
    meaning: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FileFacts:
    """What a run knows of its whole file: where it comes from, as of when, what it states."""

    source: str
    as_of: date | None
    stated: frozenset[str]
    key: str
    characteristics: tuple[Characteristic, ...]
    arrived_at: datetime
    is_correction: bool = False

    @property
    def today(self) -> date:
        return self.arrived_at.date()


@dataclass
class Preparation:
    """
    What a feed does before the first chunk of a file. `context` (JSON) is kept for all chunks,
    also of a run that goes on after an interruption; `notes` are for people.
    """

    stage: str
    facts: FileFacts
    late_months: int
    context: dict[str, Any]
    notes: list[str]


@dataclass
class Counts:
    """What became of rows. They add up: rows = created + updated + unchanged + rejected."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    late: int = 0

    def add(self, other: "Counts") -> None:
        self.created += other.created
        self.updated += other.updated
        self.unchanged += other.unchanged
        self.rejected += other.rejected
        self.late += other.late

    @property
    def rows(self) -> int:
        return self.created + self.updated + self.unchanged + self.rejected


class Feed(ABC):
    """
    One kind of file: its columns, and how a chunk of staged rows is applied and taken back.

    `one_of`: groups of columns of which a file has, and a row fills, at least one.
    `key`: the column that names the row for a person. `amount`: the column that control totals
    add up. `passes`: conditions on a staged row `s`; the whole file is applied once for each, so
    that what refers to other rows of the same file comes after them. `entities`: whose
    characteristics the file may carry.
    """

    code: str
    label: str | Promise
    key: str
    columns: tuple[Column, ...]
    one_of: tuple[tuple[str, ...], ...] = ()
    derived: tuple[Staged, ...] = ()
    amount: str = ""
    entities: tuple[str, ...] = ()
    passes: tuple[str, ...] = ("true",)

    @property
    def by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    def derive(self, facts: FileFacts, positions: Mapping[str, int]) -> Derive | None:
        """
        Return what computes the `derived` cells of a row from its plain cells, if anything.

        The function may raise CellFault, with the column at fault.
        """
        return None

    def declared_types(self, characteristics: Iterable[Characteristic]) -> dict[str, str]:
        """Return the types already declared for "entity.code"."""
        return {}

    @abstractmethod
    def prepare(self, run: "Preparation") -> None:
        """Make ready what the chunks need: partitions, declarations. Harmless if none follows."""

    @abstractmethod
    def tables(self, batch: "Batch") -> list[str]:
        """Return the tables that a batch wrote, as ANALYZE after a large one names them."""

    @abstractmethod
    def apply(self, chunk: "Chunk") -> Counts:
        """Apply the staged rows of a chunk, in its transaction."""

    @abstractmethod
    def undo(self, undoing: "Undoing") -> None:
        """Take back what the chunks of a batch did, and count it."""


_feeds: dict[str, Feed] = {}


def register(feed: Feed) -> None:
    """
    Make a feed known.

    :raises ValueError: if another feed has the code.
    """
    if type(_feeds.setdefault(feed.code, feed)) is not type(feed):
        raise ValueError(f"The feed {feed.code!r} is taken")


def known_feeds() -> Sequence[Feed]:
    """Return every feed in the order of registration: what others lean on comes first."""
    return tuple(_feeds.values())


def label_of(code: str) -> str | Promise:
    """Return how a feed is called on screen; one of an app no longer installed by its code."""
    feed = _feeds.get(code)
    return feed.label if feed else code


def feed_named(code: str) -> Feed:
    """
    Return a feed by its code.

    :raises FeedRefused: with a sentence that lists the known ones.
    """
    feed = _feeds.get(code)
    if feed is None:
        raise FeedRefused(
            _("There is no feed “%(code)s”. Known feeds: %(known)s.")
            % {"code": code, "known": ", ".join(_feeds)},
            code="feed_unknown",
        )
    return feed
