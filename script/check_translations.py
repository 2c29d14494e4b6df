"""
Check that Simplified Chinese is complete: every string marked in the source is in the
catalogue and has a translation that is not a guess and keeps its placeholders.

Exit status 0 only then. Needs GNU gettext (xgettext), as Django's makemessages does.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

CHECKOUT = Path(__file__).resolve().parent.parent
LOCALE = "zh_Hans"
CATALOGUE = Path("locale") / LOCALE / "LC_MESSAGES" / "django.po"
NOT_SOURCE = shutil.ignore_patterns(
    ".git", ".venv", "node_modules", "var", "tests", "__pycache__", ".*_cache", "*.mo"
)


def catalogue(root: Path) -> Catalog:
    path = root / CATALOGUE
    if not path.exists():
        return Catalog(locale=LOCALE)
    with path.open("rb") as file:
        return read_po(file, locale=LOCALE)


def marked_in_source() -> Catalog:
    """Return what makemessages finds, made in a copy so that the checkout stays as it is."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "source"
        shutil.copytree(CHECKOUT, copy, ignore=NOT_SOURCE)
        (copy / CATALOGUE).parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "django", "makemessages", "--locale", LOCALE]
        made = subprocess.run(command, cwd=copy, capture_output=True, text=True)
        if made.returncode:
            sys.exit(f"makemessages failed: {made.stderr.strip()}")
        return catalogue(copy)


def faults_of(message: Message | None) -> Iterator[str]:
    if message is None:
        yield "is not in the catalogue"
        return
    said = message.string if isinstance(message.string, tuple) else (message.string,)
    if not all(said):
        yield "has no translation"
        return
    if message.fuzzy:
        yield "has a translation that is only a guess (fuzzy)"
    yield from (f"is translated wrongly: {fault}" for fault in message.check())


def main() -> None:
    if shutil.which("xgettext") is None:
        sys.exit("GNU gettext is needed to find the marked strings; install the package gettext.")
    ours = catalogue(CHECKOUT)
    count = 0
    for marked in marked_in_source():
        if marked.id:
            for fault in faults_of(ours.get(marked.id, context=marked.context)):
                print(f"{marked.id!r} {fault}")
                count += 1
    if count:
        sys.exit(f"{count} strings lack a good translation in {CATALOGUE}.")


if __name__ == "__main__":
    main()
