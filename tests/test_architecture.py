"""Imports and foreign keys point down. This is the architecture's only guard."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "crm.platform": set(),
    "customers": {"crm.platform"},
    "orders": {"crm.platform", "customers"},
    "service": {"crm.platform", "customers", "orders"},
    "marketing": {"crm.platform", "customers", "orders"},
    "analytics": {"crm.platform", "customers", "orders", "service", "marketing"},
    "crm.pages": {"crm.platform", "customers", "orders", "service", "marketing", "analytics"},
}
LAYERS = [*MAY_IMPORT, "crm"]


def layer_of(module: str) -> str | None:
    return next((n for n in LAYERS if module == n or module.startswith(n + ".")), None)


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files_of(layer: str) -> Iterator[Path]:
    return (ROOT / layer.replace(".", "/")).rglob("*.py")


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_imports_point_down(layer):
    for path in files_of(layer):
        reached = {layer_of(module) for module in imports_of(path)} - {None, layer}
        assert reached <= MAY_IMPORT[layer], (
            f"{path.relative_to(ROOT)} reaches up to {reached - MAY_IMPORT[layer]}"
        )


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_foreign_keys_point_down(layer):
    """A string reference hides from the test above; the database would still know."""
    for model in apps.get_models():
        if layer_of(model.__module__) == layer:
            targets = {
                f.related_model.__module__ for f in model._meta.concrete_fields if f.is_relation
            }
            assert {layer_of(t) for t in targets} - {None, layer} <= MAY_IMPORT[layer], model


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_nobody_imports_another_rooms_private_names(layer):
    for path in files_of(layer):
        private = [
            name
            for name in imports_of(path)
            if (layer_of(name) not in (None, layer)) and name.rpartition(".")[2].startswith("_")
        ]
        assert not private, f"{path.relative_to(ROOT)} imports {private}"


@pytest.mark.parametrize("module", ["crm.urls", "crm.wsgi"])
def test_the_web_process_loads_no_estimators(module):
    """pandas and scikit-learn cost a second and 200 MB in every web worker."""
    heavy = "pandas", "sklearn", "xgboost", "scipy"
    code = (
        "import os, sys, django; os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'crm.settings');"
        f"django.setup(); import {module};"
        f"sys.exit(' '.join(m for m in {heavy!r} if m in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
