"""`script/test`: pytest on servers of its own, thrown away afterwards."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType

from crm.embedded.configuration import CHECKOUT
from crm.embedded.folder import DataFolder
from crm.embedded.servers import Servers


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main() -> None:
    signal.signal(signal.SIGTERM, _leave)
    wanted = sys.argv[1:]
    if not any(Path(word.split("::")[0]).exists() for word in wanted):
        wanted.append("tests")
    with tempfile.TemporaryDirectory(prefix="crm-test-") as place:
        environment = os.environ | {"CRM_VAR": place}
        with Servers(DataFolder(Path(place)), throw_away=True).in_use():
            command = [sys.executable, "-m", "pytest", "-c", "tests/pytest.ini", *wanted]
            ended = subprocess.run(command, cwd=CHECKOUT, env=environment)
    raise SystemExit(ended.returncode)


if __name__ == "__main__":
    main()
