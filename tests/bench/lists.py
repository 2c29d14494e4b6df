"""
The first page of a list and a page deep in it, through HTTP, each beside a bare view that runs
the same keyset SQL by hand and writes JSON. Pages and REST are asked by a manager, who sees the
whole province, in the order of names.

`value` and `limit` are medians in milliseconds. `deep_to_first` is what a deep page costs of the
first one, as the median of rounds in which both were asked in turn; `rest_ms` the same page as
plain JSON rows.
"""

import random
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import orjson
from django.core.management import call_command
from django.db import connections

from crm.platform.access.models import Staff
from crm.platform.access.scope import scope_of
from crm.platform.keyset import page_of
from customers.models import Customer
from tests.bench.pages import Client, logged_in, server

ROUNDS, A_ROUND = 12, 12
DEPTH = 0.95
"""How far down the list the deep page lies."""


def list_first(*, customers: int) -> dict[str, Any]:
    """The first fifty customers by name."""
    return _measured("list_first", customers)


def list_deep(*, customers: int) -> dict[str, Any]:
    """Fifty customers behind nineteen twentieths of all, by name."""
    return _measured("list_deep", customers)


def _measured(name: str, customers: int) -> dict[str, Any]:
    manager = Staff.objects.get(staff_code="manager")
    rows = Customer.objects.visible_to(manager).count()
    deep, after = _deep_cursor(manager, rows)
    where = {"province": scope_of(manager).root.path}  # type: ignore[union-attr]
    paths = {
        "first": "/customers/",
        "deep": f"/customers/?{urlencode({'cursor': deep})}",
        "bare first": f"/bare/list/?{urlencode(where)}",
        "bare deep": f"/bare/list/?{urlencode(where | after)}",
        "rest first": "/api/v1/customers",
        "rest deep": f"/api/v1/customers?{urlencode({'cursor': deep})}",
    }
    with _client(manager) as client:
        _agree(client, paths)
        rounds = list(_rounds(client, paths))
    which = "first" if name == "list_first" else "deep"
    product = [one[which] for one in rounds]
    bare = [one[f"bare {which}"] for one in rounds]
    return {
        "name": name,
        "value": round(statistics.median(product), 2),
        "unit": "ms",
        "limit": round(statistics.median(bare), 2),
        "ratio": _ratio(rounds, which, f"bare {which}"),
        "deep_to_first": _ratio(rounds, "deep", "first"),
        "rest_ms": round(statistics.median(one[f"rest {which}"] for one in rounds), 2),
        "rest_ratio": _ratio(rounds, f"rest {which}", f"bare {which}"),
        "rest_deep_to_first": _ratio(rounds, "rest deep", "rest first"),
        "customers": customers,
        "rows": rows,
    }


def _deep_cursor(manager: Staff, rows: int) -> tuple[str, dict[str, str]]:
    """Return the cursor of the deep page, and the same place for the bare SQL."""
    by = ("party__sort_key", "party_id")
    visible = Customer.objects.visible_to(manager).values(*by)
    last = visible.order_by(*by)[int(rows * DEPTH)]
    # The only way to a cursor is a page; this one ends with the row that we want to be behind.
    up_to = visible.filter(party__sort_key__gte=last["party__sort_key"])
    before = up_to.filter(party__sort_key=last["party__sort_key"], party_id__lte=last["party_id"])
    page = page_of(up_to, ordering=by, cursor=None, limit=before.count())
    if page.next is None:
        raise SystemExit("The demo operator is too small for a page to be deep.")
    return page.next, {"name": last["party__sort_key"], "party": str(last["party_id"])}


@contextmanager
def _client(manager: Staff) -> Iterator[Client]:
    cookie = logged_in(manager)
    call_command("collectstatic", interactive=False, verbosity=0, stdout=sys.stderr)
    connections.close_all()
    with server() as port:
        yield Client(port, cookie)


def _agree(client: Client, paths: dict[str, str]) -> None:
    """:raises SystemExit: if page, REST and bare view do not show the same customers."""
    for which in ("first", "deep"):
        for _ in range(20):  # warm all of them
            page, rest, bare = (client.get(paths[f"{k}{which}"]) for k in ("", "rest ", "bare "))
        numbers = [row[0] for row in orjson.loads(bare[3])]
        if [row["number"] for row in orjson.loads(rest[3])["items"]] != numbers:
            raise SystemExit(f"REST and the bare view found different customers ({which}).")
        shown = page[3].decode()
        if page[1] != 200 or not numbers or any(number not in shown for number in numbers):
            raise SystemExit(f"The page and the bare view found different customers ({which}).")


def _rounds(client: Client, paths: dict[str, str]) -> Iterator[dict[str, float]]:
    dice = random.Random(3)
    for _ in range(ROUNDS):
        times: dict[str, list[float]] = {name: [] for name in paths}
        for _ in range(A_ROUND):
            order = list(paths)
            dice.shuffle(order)
            for name in order:
                times[name].append(client.get(paths[name])[0])
        yield {name: statistics.median(taken) for name, taken in times.items()}


def _ratio(rounds: list[dict[str, float]], above: str, below: str) -> float:
    return round(statistics.median(one[above] / one[below] for one in rounds), 2)
