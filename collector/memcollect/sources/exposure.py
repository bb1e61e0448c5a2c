"""Where a secret would be read by others on its way. Pure."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_exposed(url: str) -> bool:
    """Return whether what is sent to `url` leaves this machine, and unencrypted."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not _is_here(parts.hostname or "")


def place(url: str) -> str:
    """Return the host of a URL, with the port where it names one."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def _is_here(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
