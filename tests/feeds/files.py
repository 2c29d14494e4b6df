"""Files for the tests of feeds, and short ways to import them."""

import csv
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from crm.platform.feeds.models import Batch, Reject
from crm.platform.feeds.services import import_file

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
CHECKOUT = Path(settings.BASE_DIR)
IBM_MAPPING = CHECKOUT / "mappings" / "ibm_telco.toml"
IBM_SAMPLE = Path(__file__).parent / "ibm_shape.csv"
_SHARED = (os.environ.get("CRM_SHARED_DATA"), CHECKOUT.parent / "shared" / "data")


def shared_data(name: str) -> Path:
    """Return a file of the real public data sets, or skip the test where there is none."""
    path = _shared(name)
    if path is None:
        pytest.skip(f"{name} is not here; CRM_SHARED_DATA names the folder it lies in")
    return path


def real_data_param(name: str) -> list[str]:
    """Return the parameter that adds the real data; none in CI, which has no such file."""
    return [] if os.environ.get("CI") and _shared(name) is None else ["real"]


def _shared(name: str) -> Path | None:
    paths = (Path(folder) / name for folder in _SHARED if folder)
    return next((path for path in paths if path.is_file()), None)


def written(path: Path, header: str, *rows: str) -> Path:
    """Write a CSV file, one string a line."""
    path.write_text("\n".join([header, *rows]) + "\n", "utf-8")
    return path


def quiet(_done: int, _total: int | None, _message: str) -> None:
    """Progress that nobody watches."""


def imported(feed: str, path: Path, **options: Any) -> Batch:
    """Import a file the way the command does."""
    mapping = options.pop("mapping", None)
    if mapping is not None:
        options["mapping_text"] = mapping if isinstance(mapping, str) else mapping.read_text()
    options = {"actor": None, "at": NOON, "progress": quiet} | options
    return import_file(feed=feed, path=path, **options)


def counts(batch: Batch) -> tuple[int, int, int, int, int]:
    """Return rows, created, updated, unchanged, rejected."""
    return batch.rows, batch.created, batch.updated, batch.unchanged, batch.rejected


def codes(batch: Batch) -> dict[int, str]:
    """Return the first reason of each rejected row, by row number."""
    return dict(Reject.objects.filter(batch=batch).values_list("row_number", "code"))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def columns_of(rows: Sequence[dict[str, str]], name: str) -> list[str]:
    return [row[name] for row in rows]
