"""`script/manage`: a management command with the servers it needs, for as long as it runs."""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

from django.core.management import execute_from_command_line

from crm import environment
from crm.embedded.folder import DataFolder
from crm.embedded.servers import Servers

CHECKOUT = Path(__file__).resolve().parent.parent.parent


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    signal.signal(signal.SIGTERM, _leave)
    folder = DataFolder(environment.folder("CRM_VAR", CHECKOUT / "var"))
    with Servers(folder).in_use():
        execute_from_command_line(["manage.py", *sys.argv[1:]])


if __name__ == "__main__":
    main()
