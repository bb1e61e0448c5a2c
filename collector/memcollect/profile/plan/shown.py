"""A value of a plan as a mistake shows it: on one line, cut, and never with credentials. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any

from memcollect.nearest import nearest as nearest_of
from memcollect.sources.plain import plain

_LONGEST = 60


def shown(value: Any) -> str:
    """Return how `value` is written; what an address in it has before its "@" is left out."""
    try:
        written = _written(value)
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


def nearest(word: Any, names: Iterable[str]) -> str | None:
    """Return the one of `names` that was most likely meant by `word`; None where it is like none."""
    if not isinstance(word, str) or len(word) > _LONGEST:
        return None
    return nearest_of(word.lower(), names, most=1) or None


def _written(value: Any) -> str:
    """Return what TOML calls it, where that is not what Python calls it."""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date | datetime | time) else repr(value)
