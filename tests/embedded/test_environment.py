"""Nonsense in the environment stops the program with one sentence that names the variable."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crm import environment
from crm.embedded.configuration import CHECKOUT

SECRET = "x" * 40
DEPLOYMENT = {
    "DATABASE_URL": "postgresql://crm:secret@db.example:5432/crm",
    "REDIS_URL": "redis://redis.example:6379/0",
    "SECRET_KEY": "".join(chr(33 + i) for i in range(60)),
    "FIELD_KEYS": SECRET,
    "HASH_KEY": SECRET,
    "ALLOWED_HOSTS": "crm.example",
}


def number(name: str) -> int:
    return environment.whole_number(name, 1, least=1, most=9)


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (number, "0"),
        (number, "10"),
        (number, "-1"),
        (number, "1.5"),
        (number, "٣"),
        (number, "many"),
        (lambda name: environment.flag(name, False), "perhaps"),
        (lambda name: environment.postgres(name, environment.text(name, "")), "mysql://db/crm"),
        (lambda name: environment.postgres(name, environment.text(name, "")), "postgresql://db"),
        (
            lambda name: environment.postgres(name, environment.text(name, "")),
            "postgresql://db:port/crm",
        ),
        (lambda name: environment.redis_url(name, environment.text(name, "")), "http://redis"),
        (environment.secret, "short"),
        (environment.secrets, f"{SECRET},short"),
        (lambda name: environment.time_zone(name, "UTC"), "../etc/passwd"),
        (lambda name: environment.one_of(name, "INFO", ("INFO",)), "LOUD"),
        (lambda name: environment.folder(name, Path("/")), __file__),
    ],
)
def test_nonsense_is_refused_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[str], Any], value: str
) -> None:
    monkeypatch.setenv("THING", value)

    with pytest.raises(SystemExit, match=r"^THING .*\.$"):
        read("THING")


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", " ")

    assert environment.whole_number("THING", 7, least=1, most=9) == 7


def test_a_database_url_says_everything_a_connection_needs() -> None:
    url = "postgresql://a%40b:p%2Fw@db.example:6432/crm?sslmode=verify-full"

    assert environment.postgres("DATABASE_URL", url) == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "crm",
        "USER": "a@b",
        "PASSWORD": "p/w",
        "HOST": "db.example",
        "PORT": "6432",
        "OPTIONS": {"sslmode": "verify-full"},
    }


def check_deploy(folder: Path, **changed: str | None) -> subprocess.CompletedProcess[str]:
    given = DEPLOYMENT | {"CRM_VAR": str(folder)} | changed
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"]} | {k: v for k, v in given.items() if v is not None},
        capture_output=True,
        text=True,
    )


def test_the_deployment_check_finds_nothing_to_warn_of(tmp_path: Path) -> None:
    checked = check_deploy(tmp_path)

    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("missing", ["SECRET_KEY", "FIELD_KEYS", "HASH_KEY"])
def test_a_deployment_has_no_default_secret(tmp_path: Path, missing: str) -> None:
    checked = check_deploy(tmp_path, **{missing: None})

    assert checked.returncode == 1
    assert checked.stderr.startswith(f"{missing} must be set")
    assert checked.stderr.count("\n") == 1
