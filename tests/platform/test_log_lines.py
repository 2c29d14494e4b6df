"""A line of a log is one line, whoever wrote the address."""

import json
import logging

import pytest

from crm.embedded.configuration import CHECKOUT
from crm.embedded.programs import ACCESS_LINE
from crm.platform.health.logs import PlainLine


def line_of(path: str) -> str:
    request = {"time": "now", "addr": "::1", "method": "GET", "status": 404, "dt_ms": 1.25}
    said = logging.LogRecord(
        "granian.access", logging.INFO, "", 0, ACCESS_LINE, ({**request, "path": path},), None
    )
    return PlainLine("%(message)s").format(said)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/feeds/", "/feeds/"),
        ("/客户/", "/客户/"),
        ("/a\nERROR all is lost", r"/a\nERROR all is lost"),
        ("/a\r\x1b[31m\u2028\u202e\x00", r"/a\r\x1b[31m\u2028\u202e\x00"),
    ],
)
def test_an_address_stays_in_its_line(path, shown):
    assert line_of(path) == f'now ::1 "GET {shown}" 404 1.2 ms'


def test_a_long_address_is_cut_and_its_status_stays():
    line = line_of("/" + "a" * 60_000)

    assert len(line) == 1001 and line.endswith('a" 404 1.2 ms')


def test_the_web_server_is_told_to_write_so():
    told = json.loads((CHECKOUT / "crm/embedded/web_log.json").read_text())

    assert told["formatters"]["access"]["()"] == f"{PlainLine.__module__}.{PlainLine.__name__}"
