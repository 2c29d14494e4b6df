"""What an app asks to be remembered: declared in its AppConfig, gathered here."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps


@dataclass(frozen=True)
class Kept:
    """
    A table whose every change is kept. Its primary key is one column, `id`, and never changes.

    `found_by` names the columns by which the past is asked for, beside `id`.
    """

    model: str
    found_by: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        return apps.get_model(self.model)._meta.db_table

    @property
    def history(self) -> str:
        return f"{self.table}_history"


@dataclass(frozen=True)
class Dated:
    """A table that only grows: the past is its rows for which `known` holds of `as_of()`."""

    model: str
    known: str

    @property
    def table(self) -> str:
        return apps.get_model(self.model)._meta.db_table


def all_kept() -> Iterator[Kept]:
    """Give what the apps declare as `kept_history`."""
    for config in apps.get_app_configs():
        yield from getattr(config, "kept_history", ())


def all_dated() -> Iterator[Dated]:
    """Give what the apps declare as `dated_history`."""
    for config in apps.get_app_configs():
        yield from getattr(config, "dated_history", ())
