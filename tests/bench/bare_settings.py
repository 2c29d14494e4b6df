"""The product's settings, with the bare views beside its own pages."""

from crm.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.bare"
