"""What a supervisor that was killed left running, found by the mark its children carry."""

import os
import signal
import time
from pathlib import Path

from crm.embedded import processes
from crm.embedded.folder import DataFolder

MARK = "CRM_STACK"
PATIENCE_SECONDS = 5.0


def end_leftovers(folder: DataFolder) -> list[int]:
    """
    End the web, workers and beat of a former run on this folder; return their processes.

    PostgreSQL and Redis overwrite the memory the mark is in; their own files name them.
    """
    found = [pid for pid in _marked(f"{MARK}={folder.root}".encode()) if pid != os.getpid()]
    for pid in found:
        processes.send(pid, signal.SIGTERM)
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and any(processes.alive(pid) for pid in found):
        time.sleep(0.05)
    for pid in found:
        processes.send(pid, signal.SIGKILL)
    return found


def _marked(mark: bytes) -> list[int]:
    marked = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            carried = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if mark in carried:
            marked.append(int(entry.name))
    return marked
