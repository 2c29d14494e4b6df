"""Every static file a template names is one that is collected; in production others are errors."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

ROOT = Path(__file__).resolve().parent.parent
NAMED = re.compile(r"""\{%\s*static\s+["']([^"']+)["']""")


def named() -> Iterator[tuple[str, str]]:
    for template in sorted(ROOT.glob("templates/**/*.html")):
        for name in NAMED.findall(template.read_text()):
            yield str(template.relative_to(ROOT)), name


@pytest.mark.parametrize(("template", "name"), list(named()))
def test_a_template_names_only_files_that_are_there(template: str, name: str) -> None:
    assert finders.find(name), f"{template} names {name}: see VENDOR_FILES in crm/settings.py"
