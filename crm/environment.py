"""Settings read from the environment. Nonsense stops the program with one sentence."""

import os
import sys
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}


def stop(name: str, why: str) -> NoReturn:
    """End the program: the value of `name` cannot be used."""
    sys.exit(f"{name} {why}")


def text(name: str, default: str) -> str:
    """Return the variable, or the default where it is unset or empty."""
    return os.environ.get(name, "").strip() or default


def words(name: str, default: str) -> list[str]:
    """Return a comma-separated variable as its words."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def flag(name: str, default: bool) -> bool:
    """Return a yes-or-no variable."""
    value = text(name, "yes" if default else "no").lower()
    if value not in TRUE | FALSE:
        stop(name, f"must be yes or no, not {value!r}.")
    return value in TRUE


def whole_number(name: str, default: int, *, least: int, most: int) -> int:
    """Return a whole number between `least` and `most`, both allowed."""
    value = text(name, str(default))
    if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
        stop(name, f"must be a whole number from {least} to {most}, not {value!r}.")
    return int(value)


def folder(name: str, default: Path) -> Path:
    """Return an absolute folder path; the folder need not exist yet."""
    path = Path(text(name, str(default))).expanduser().absolute()
    if path.exists() and not path.is_dir():
        stop(name, f"must name a folder, and {path} is not one.")
    return path


def postgres(name: str, url: str) -> dict[str, Any]:
    """Return Django's connection settings for `postgresql://user:password@host:port/name`."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        stop(name, "must look like postgresql://user:password@host:5432/name.")
    try:
        port = parts.port
    except ValueError:
        stop(name, "names a port that is not a number.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or options.pop("user", "")),
        "PASSWORD": unquote(parts.password or options.pop("password", "")),
        "HOST": options.pop("host", None) or unquote(parts.hostname or ""),
        "PORT": str(port or ""),
        "OPTIONS": options,
    }


def redis_url(name: str, url: str) -> str:
    """Return a Redis address after a look at its form."""
    if urlsplit(url).scheme not in {"redis", "rediss", "unix"}:
        stop(
            name,
            "must look like redis://host:6379/0, rediss://host:6379/0 or unix:///path.sock?db=0.",
        )
    return url


def secret(name: str) -> str:
    """Return a secret of at least 32 characters; there is no default."""
    value = os.environ.get(name, "")
    if len(value) < 32:
        stop(name, "must be set to at least 32 random characters.")
    return value


def secrets(name: str) -> list[str]:
    """Return comma-separated secrets, the one in use first, those it replaced after it."""
    values = words(name, "")
    if not values or any(len(value) < 32 for value in values):
        stop(name, "must be set to at least one key of 32 or more random characters.")
    return values


def one_of(name: str, default: str, choices: tuple[str, ...]) -> str:
    """Return one of the named choices."""
    value = text(name, default)
    if value not in choices:
        stop(name, f"must be one of {', '.join(choices)}, not {value!r}.")
    return value


def time_zone(name: str, default: str) -> str:
    """Return the name of a time zone this machine knows."""
    value = text(name, default)
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        stop(name, f"must name a time zone such as Asia/Shanghai, not {value!r}.")
    return value


def networks(name: str) -> list[str]:
    """Return comma-separated networks such as 10.0.0.0/8."""
    values = words(name, "")
    try:
        return [str(ip_network(value)) for value in values]
    except ValueError as error:
        stop(name, f"must list networks such as 10.0.0.0/8: {error}.")
