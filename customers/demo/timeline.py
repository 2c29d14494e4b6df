"""
The months of the demo operator, as arrays.

Month 0 is the first that is written, `months` is the one that begins on `until`: nothing is
written from there on. Ten months before month 0 are lived through unwritten, so that the
first written month already has a past to react to.
"""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from customers.demo.arrays import Days, Whole

WARM_UP = 10
SHANGHAI_SECONDS = 8 * 3600
_EPOCH = np.datetime64("2000-01-01", "D")
_MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Timeline:
    until: date
    months: int

    @cached_property
    def starts(self) -> Days:
        """First days of months 0 … months (the last is `until`)."""
        last = np.datetime64(self.until, "M")
        return np.arange(last - self.months, last + 1).astype("datetime64[D]")

    @cached_property
    def last_day(self) -> np.datetime64:
        return np.datetime64(self.until, "D") - np.timedelta64(1, "D")

    def start_of(self, month: Whole | int) -> Days:
        """First day of a month number, which may lie before 0 or after the end."""
        first = np.datetime64(self.until, "M") - self.months
        return (first + np.asarray(month)).astype("datetime64[D]")

    def days_in(self, month: Whole | int) -> Whole:
        span = self.start_of(np.asarray(month) + 1) - self.start_of(month)
        return span.astype(np.int64)

    def month_of(self, days: Days) -> Whole:
        """Month number of each day."""
        first = np.datetime64(self.until, "M") - self.months
        return (days.astype("datetime64[M]") - first).astype(np.int64)


def date_value(days: Days) -> Whole:
    """Days since 2000-01-01: what PostgreSQL keeps of a date."""
    return (days.astype("datetime64[D]") - _EPOCH).astype(np.int64)


def moment_value(days: Days, local_seconds: Whole | int) -> Whole:
    """Microseconds since 2000-01-01 UTC of a second of a day of the Chinese clock."""
    seconds = date_value(days) * 86400 + local_seconds - SHANGHAI_SECONDS
    return seconds * _MICROSECONDS


def date_text(days: Days) -> list[str]:
    """Days as COPY reads them; a missing one as null."""
    text: list[str] = days.astype("datetime64[D]").astype(str).tolist()
    return [r"\N" if day == "NaT" else day for day in text]


def moment_text(values: Whole) -> list[str]:
    """Moments (microseconds since 2000-01-01 UTC, below zero only if missing) as COPY reads."""
    moments = np.datetime64("2000-01-01T00:00:00", "s") + (values // _MICROSECONDS)
    text: list[str] = moments.astype("datetime64[s]").astype(str).tolist()
    return [f"{moment}+00" for moment in text]
