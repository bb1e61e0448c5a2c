"""A value of a plan as a mistake shows it: on one line, cut, and never with credentials. Pure."""

from __future__ import annotations

from typing import Any

from memcollect.sources.plain import plain

_LONGEST = 60


def shown(value: Any) -> str:
    """Return how `value` is written; what an address in it has before its "@" is left out."""
    try:
        written = repr(value)
    except (ValueError, RecursionError):
        # Python writes no integer of more than 4300 digits; a hexadecimal one of TOML may be longer.
        return "too long to be shown"
    begin, end = written.find("//"), written.rfind("@")
    if 0 <= begin < end:
        written = f"{written[: begin + 2]}…{written[end:]}"
    return plain(written, _LONGEST)


def shown_address(address: str) -> str:
    """Return an address that may be badly written: what is before its last "@" may be a password."""
    _, at, rest = address.rpartition("@")
    return shown(f"…@{rest}" if at else address)
