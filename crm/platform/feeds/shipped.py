"""The mappings that come with the program: files in `mappings/`, chosen by name."""

from functools import cache
from pathlib import Path

from django.conf import settings


@cache
def shipped_mappings() -> dict[str, str]:
    """Return the text of every mapping by its name, in the order of names."""
    folder = Path(settings.BASE_DIR) / "mappings"
    return {path.stem: path.read_text("utf-8") for path in sorted(folder.glob("*.toml"))}
