"""`script/manage`: a management command with the servers it needs, for as long as it runs."""

import os
import signal
import sys
from types import FrameType

from django.core.management import execute_from_command_line

from crm.embedded.configuration import data_folder
from crm.embedded.servers import Servers


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    signal.signal(signal.SIGTERM, _leave)
    with Servers(data_folder()).in_use():
        execute_from_command_line(["manage.py", *sys.argv[1:]])


if __name__ == "__main__":
    main()
