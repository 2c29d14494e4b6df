"""Where a request came from, as far as it can be believed."""

import hashlib
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """
    Return the address of the terminal: the peer of the connection.

    X-Forwarded-For can be written by anybody, so it only counts where the peer is one of
    `TRUSTED_PROXIES` (networks): then the last address that is not a proxy's. Returns None
    where the peer has no address (a Unix socket).
    """
    trusted = _networks(tuple(settings.TRUSTED_PROXIES))
    address = _clean(request.META.get("REMOTE_ADDR", ""))
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while address and forwarded and any(ip_address(address) in network for network in trusted):
        before = _clean(forwarded.pop())
        if before is None:
            break
        address = before
    return address


def terminal_digest(request: HttpRequest) -> str:
    """Return what tells one browser from another, without keeping its description."""
    return digest(request.META.get("HTTP_USER_AGENT", ""))


def session_digest(request: HttpRequest) -> str:
    """Return what ties the requests of one session together, useless for taking it over."""
    session = getattr(request, "session", None)
    return digest(getattr(session, "session_key", None) or "")


def digest(value: str) -> str:
    """Return 128 bits of SHA-256 in hexadecimal; nothing stays nothing."""
    return hashlib.sha256(value.encode()).hexdigest()[:32] if value else ""


def _clean(address: str) -> str | None:
    try:
        return str(ip_address(address.strip().strip("[]")))
    except ValueError:
        return None


@cache
def _networks(trusted: tuple[str, ...]) -> list[IPv4Network | IPv6Network]:
    return [ip_network(network) for network in trusted]
