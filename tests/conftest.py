"""What every test may lean on. Things of one room stay in that room."""

from collections.abc import Iterator

import pytest
from django.test import override_settings

UNHASHED = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}


@pytest.fixture(autouse=True, scope="session")
def files_without_a_deployment() -> Iterator[None]:
    """Pages name static files as they lie in the source: nobody ran collectstatic."""
    with override_settings(STORAGES=UNHASHED):
        yield
