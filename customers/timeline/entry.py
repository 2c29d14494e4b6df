"""One line of a timeline, and the place between two of them."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Self

from django.db.models import Q, QuerySet
from django.utils import timezone

from customers.models import Note


@dataclass(frozen=True)
class Entry:
    """
    Something that happened. `source` and `key` tell it from all others of the customer, and
    order those of one moment. `facts` are codes for programs, `title` and `detail` words for
    people, in the language of whoever asks and masked.
    """

    at: datetime
    source: str
    key: str
    title: str
    detail: str = ""
    icon: str = "point"
    tone: str = ""
    is_day: bool = False
    staff_id: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    note: Note | None = None

    @property
    def mark(self) -> "Mark":
        return Mark(self.at, self.source, self.key)


@dataclass(frozen=True, order=True)
class Mark:
    """Where older entries begin. Its text is fit for an address."""

    at: datetime
    source: str = ""
    key: str = ""

    def __str__(self) -> str:
        return f"{self.at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}~{self.source}~{self.key}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """:raises ValueError: if no mark was ever written so."""
        moment, source, key = text.split("~", 2)
        at = datetime.strptime(moment, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
        if at.year < 1990 or not (source or not key) or len(text) > 200 or "\0" in text:
            raise ValueError("before anything happened")
        return cls(at, source, key)


@dataclass(frozen=True)
class Window:
    """
    The time looked through at once: `[since, end]`, only what is older than `before` in it, as
    seen `now`.
    """

    now: datetime
    since: datetime
    end: datetime
    before: Mark | None
    most: int

    def newest(
        self,
        rows: QuerySet[Any],
        *,
        source: str,
        time: str,
        key: str,
        value: Any = str,
        by_day: bool = False,
    ) -> QuerySet[Any]:
        """
        Return the newest of a source's rows, by an index on the time alone.

        `key` is the column that orders rows of one moment; `value` reads it from a mark. A time
        kept `by_day` is the beginning of that day, and so must `since` be.
        """
        since: Any = timezone.localdate(self.since) if by_day else self.since
        end: Any = timezone.localdate(self.end) if by_day else self.end
        rows = rows.filter(**{f"{time}__gte": since, f"{time}__lte": end})
        if self.before is None or (by_day and midnight(end) != self.before.at):
            pass  # all of that moment is to come
        elif source > self.before.source:
            rows = rows.filter(**{f"{time}__lt": end})
        elif source == self.before.source:
            same = Q(**{time: end, f"{key}__lt": value(self.before.key)})
            rows = rows.filter(Q(**{f"{time}__lt": end}) | same)
        return rows.order_by(f"-{time}", f"-{key}")[: self.most]


def padded(number: int) -> str:
    """Return an id as a key that sorts as text in the order of numbers."""
    return f"{number:020d}"


def midnight(day: date) -> datetime:
    """Return the beginning of a day in the operator's time."""
    return timezone.make_aware(datetime.combine(day, datetime.min.time()))
