"""
Search and the customer page through HTTP, beside bare views of the same SQL on the same server.

Both sides are asked in turn over one kept connection; a round is `A_ROUND` requests of each, in
an order drawn anew. `value` and `limit` are medians in milliseconds, `ratio` the median of the
rounds' ratios of medians, so that what neighbours do to the machine cancels.
"""

import http.client
import os
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.management import call_command
from django.db import connections

from crm.platform.access.models import Staff
from crm.platform.access.scope import scope_of
from customers.models import Customer, SearchKey, Subscriber
from customers.search import query_keys

ROUNDS = 15
A_ROUND = 40
SAMPLE = 200
BACKEND = "crm.platform.access.backends.StaffBackend"


@dataclass(frozen=True)
class Pair:
    """One request of the product and the bare one that answers the same question."""

    product: str
    bare: str
    expects: str


class Client:
    """One kept connection of a logged-in clerk."""

    def __init__(self, port: int, cookie: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._headers = {"Cookie": cookie, "Accept-Language": "zh-CN"}

    def get(self, path: str) -> tuple[float, int, str, bytes]:
        """Return milliseconds, status, location and body."""
        begun = time.perf_counter()
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        took = (time.perf_counter() - begun) * 1000
        return took, answer.status, answer.getheader("Location", ""), body


def search_number(*, customers: int) -> dict[str, Any]:
    """A phone number in the search box until its customer is known."""
    return _measured("search_number", customers, _numbers)


def search_name(*, customers: int) -> dict[str, Any]:
    """Two characters of a name until the page of those it may be."""
    return _measured("search_name", customers, _names)


def open_360(*, customers: int) -> dict[str, Any]:
    """The whole customer page."""
    return _measured("open_360", customers, _pages)


def _numbers(clerk: Staff, where: dict[str, str]) -> list[Pair]:
    lines = Subscriber.objects.visible_to(clerk).filter(ended_on=None, product="mobile")
    sample = list(lines.values_list("service_number", "customer__number")[: 50 * SAMPLE])
    pairs = []
    for phone, number in random.Random(1).sample(sample, min(SAMPLE, len(sample))):
        keys = ",".join(prefix.text for prefix in query_keys(phone) if prefix.exact)
        bare = f"/bare/number/?{urlencode(where | {'keys': keys})}"
        pairs.append(Pair(f"/search/?q={phone}", bare, number))
    return pairs


def _names(clerk: Staff, where: dict[str, str]) -> list[Pair]:
    people = Customer.objects.visible_to(clerk).filter(party__kind="INDIVIDUAL")
    sample = list(people.values_list("party__name", flat=True)[: 50 * SAMPLE])
    pairs = []
    for name in random.Random(1).sample(sample, min(SAMPLE, len(sample))):
        part = name[:2]
        bare = f"/bare/name/?{urlencode(where | {'name': part})}"
        pairs.append(Pair(f"/search/?q={quote(part)}", bare, ""))
    return pairs


def _pages(clerk: Staff, where: dict[str, str]) -> list[Pair]:
    numbers = Customer.objects.visible_to(clerk).values_list("number", flat=True)
    sample = list(numbers[: 50 * SAMPLE])
    return [
        Pair(f"/customers/{n}/", f"/bare/customers/{n}/?{urlencode(where)}", n)
        for n in random.Random(1).sample(sample, min(SAMPLE, len(sample)))
    ]


def _measured(
    name: str, customers: int, pairs_for: Callable[[Staff, dict[str, str]], list[Pair]]
) -> dict[str, Any]:
    clerk = Staff.objects.get(staff_code="clerk")
    root = scope_of(clerk).root
    if root is None:
        raise SystemExit("The demo clerk has no city to look into.")
    where = {"city": root.path, "province": root.path.split("/")[0] + "/"}
    pairs = pairs_for(clerk, where)
    rows = SearchKey.objects.count()
    cookie = logged_in(clerk)
    call_command("collectstatic", interactive=False, verbosity=0, stdout=sys.stderr)
    connections.close_all()
    with server() as port:
        client = Client(port, cookie)
        for pair in pairs:  # warm both sides, and see that they answer alike
            _agree(client, pair)
        rounds = _rounds(client, pairs)
    product = statistics.median(a for a, _ in rounds)
    bare = statistics.median(b for _, b in rounds)
    return {
        "name": name,
        "value": round(product, 2),
        "unit": "ms",
        "limit": round(bare, 2),
        "ratio": round(statistics.median(a / b for a, b in rounds), 2),
        "customers": customers,
        "rows": rows,
        "rounds": [[round(a, 2), round(b, 2)] for a, b in rounds],
    }


def _rounds(client: Client, pairs: list[Pair]) -> list[tuple[float, float]]:
    dice, rounds = random.Random(2), []
    for _ in range(ROUNDS):
        chosen = dice.choices(pairs, k=A_ROUND)
        product: list[float] = []
        bare: list[float] = []
        for pair in chosen:
            sides = [(pair.product, product), (pair.bare, bare)]
            dice.shuffle(sides)
            for path, times in sides:
                times.append(client.get(path)[0])
        rounds.append((statistics.median(product), statistics.median(bare)))
    return rounds


def _agree(client: Client, pair: Pair) -> None:
    """:raises SystemExit: if one side answers what the other does not: a wrong answer is fast."""
    _, status, location, page = client.get(pair.product)
    _, bare_status, _, body = client.get(pair.bare)
    if (status, bare_status) not in ((200, 200), (302, 200)):
        raise SystemExit(f"{pair.product} answered {status}, its bare view {bare_status}.")
    shown = location if status == 302 else page.decode()
    found = orjson.loads(body)
    numbers = [pair.expects] if pair.expects else {row[0] for row in found}
    missing = [number for number in numbers if number not in shown]
    if missing or (pair.expects and pair.expects not in body.decode()):
        raise SystemExit(f"{pair.product} and its bare view found different customers.")


def logged_in(staff: Staff) -> str:
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(staff.pk)
    session[BACKEND_SESSION_KEY] = BACKEND
    session[HASH_SESSION_KEY] = staff.get_session_auth_hash()
    session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


@contextmanager
def server() -> Iterator[int]:
    """The product's web server, one worker, with the bare views beside its pages."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "crm.asgi:application"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--no-ws"]
    command += ["--log-level", "warning", "--workers-kill-timeout", "5"]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.bench.bare_settings"}
    running = subprocess.Popen(command, env=environment, stdout=sys.stderr)
    try:
        _wait(port, running)
        yield port
    finally:
        running.terminate()
        running.wait(20)


def _wait(port: int, running: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and running.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("The web server did not start.")
