"""`script/server` from outside: it keeps its children alive and leaves none behind."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from crm.embedded import processes
from crm.embedded.configuration import CHECKOUT
from tests.embedded.stack import Stack

pytestmark = pytest.mark.stack
NewStack = Callable[..., Stack]
CHILDREN = {
    "postgres",
    "redis-broker",
    "redis-cache",
    "web",
    "worker-interactive",
    "worker-bulk",
    "beat",
}


def gone(pids: list[int], *, within: float) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        if not any(processes.alive(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


def stand_still(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        time.sleep(0.01)


def becomes_ready(stack: Stack, *, within: float = 45.0) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        if stack.get("/health/ready")[0] == 200:
            return True
        time.sleep(0.2)
    return False


def test_being_asked_to_end_it_ends_everything_within_twenty_seconds(new_stack: NewStack) -> None:
    stack = new_stack().start().wait_until_ready()
    family = stack.family()
    children = stack.children()

    seconds = stack.stop()

    assert set(children) == CHILDREN
    assert stack.process.returncode == 0
    assert seconds < 20
    assert gone(family, within=0.1), "it left something running"


def test_every_child_that_dies_is_started_again_and_that_is_said(new_stack: NewStack) -> None:
    stack = new_stack().start().wait_until_ready()
    before = stack.children()

    for pid in before.values():
        os.kill(pid, signal.SIGKILL)

    for name in CHILDREN:
        stack.wait_to_hear(f"^{name} was killed by SIGKILL; starting it again")
        stack.wait_to_hear(f"^{name} runs again")
    assert becomes_ready(stack), "".join(stack.said)
    after = stack.children()
    assert set(after) == CHILDREN
    assert not set(after.values()) & set(before.values())


def test_a_killed_server_takes_its_children_along(new_stack: NewStack) -> None:
    stack = new_stack().start().wait_until_ready()
    family = stack.family()

    stack.process.kill()
    stack.wait_for_end()

    assert gone(family, within=20)


def test_a_start_ends_what_a_killed_server_left_running(new_stack: NewStack) -> None:
    killed = new_stack().start().wait_until_ready()
    left = killed.children()["worker-bulk"]
    stand_still(left)  # so that it hears nothing of the end
    killed.process.kill()
    killed.wait_for_end()
    assert processes.alive(left)

    again = new_stack().start().wait_until_ready(within=30)

    again.wait_to_hear("A former run was killed")
    assert not processes.alive(left)
    assert becomes_ready(again)


def test_two_stacks_side_by_side_do_not_meet(new_stack: NewStack) -> None:
    one, other = new_stack("one").start(), new_stack("other").start()
    one.wait_until_ready()
    other.wait_until_ready()
    with one.connect() as link, link.cursor() as cursor:
        cursor.execute("CREATE TABLE of_one ()")

    with other.connect() as link, link.cursor() as cursor:
        cursor.execute("SELECT to_regclass('of_one')")
        assert cursor.fetchone() == (None,)
    one.stop()
    assert other.get("/health/live")[0] == 200


def test_a_second_server_on_the_same_folder_is_refused_by_name(new_stack: NewStack) -> None:
    first = new_stack().start().wait_until_ready()

    second = new_stack().start()

    assert second.wait_for_end() == 1
    said = "".join(second.said)
    assert f"in use by another server (process {first.process.pid}, port {first.port})" in said
    assert first.get("/health/live")[0] == 200


def test_a_taken_port_is_refused_in_a_sentence(new_stack: NewStack) -> None:
    first = new_stack("first").start().wait_until_ready()

    second = new_stack("second", PORT=str(first.port)).start()

    assert second.wait_for_end() == 1
    assert second.said == [f"Port {first.port} is in use. Name another with PORT.\n"]


def test_a_folder_too_long_for_a_socket_works_all_the_same(
    tmp_path: Path, new_stack: NewStack
) -> None:
    stack = new_stack("long/" + "x" * 100).start().wait_until_ready()

    assert stack.folder.sockets.parent == Path(tempfile.gettempdir())
    stack.wait_to_hear("too long for sockets")


def test_script_manage_works_beside_a_server_and_leaves_it_running(new_stack: NewStack) -> None:
    stack = new_stack().start().wait_until_ready()

    ended = subprocess.run(
        ["script/manage", "check", "--database", "default"],
        cwd=CHECKOUT,
        env=stack.environment,
        capture_output=True,
        text=True,
    )

    assert ended.returncode == 0, ended.stderr
    assert stack.get("/health/ready")[0] == 200


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "eighty", "PORT must be a whole number from 1 to 65535, not 'eighty'."),
        ("CRM_DEMO_CUSTOMERS", "-1", "CRM_DEMO_CUSTOMERS must be a whole number"),
        ("TIME_ZONE", "Mars/Olympus", "TIME_ZONE must name a time zone"),
    ],
)
def test_nonsense_in_the_environment_ends_the_start_with_a_sentence(
    new_stack: NewStack, name: str, value: str, sentence: str
) -> None:
    stack = new_stack(**{name: value}).start()

    assert stack.wait_for_end() == 1
    assert any(line.startswith(sentence) for line in stack.said), stack.said
    assert "Traceback" not in "".join(stack.said)
