"""In which unit a field is, by its name. Pure."""

from __future__ import annotations

from collections.abc import Mapping

SUFFIXES = (
    ("_bytes", "bytes"),
    ("_seconds", "seconds"),
    ("_at", "seconds since the Unix epoch"),
    ("_nanocores", "nanocores"),
    ("_from", "seconds since the Unix epoch"),
    ("_until", "seconds since the Unix epoch"),
)
NAMES: Mapping[str, str] = {
    "bytes": "bytes",
    "seconds": "seconds",
    "at": "seconds since the Unix epoch",
    "boot_time": "seconds since the Unix epoch",
    "start_time": "seconds since the Unix epoch",
    "timestamp": "seconds since the Unix epoch",
    "times": "seconds since the Unix epoch",
    "avg10": "percent",
    "avg60": "percent",
    "avg300": "percent",
    "total": "microseconds",
    "level": "share of 1",
    "history": "seconds since the Unix epoch, and bytes",
    "meminfo": "bytes; HugePages_* are counts",
    "meminfo_again": "bytes; HugePages_* are counts",
}
"""Of what has no suffix; a number that has neither is a count or an id."""


def unit_of(name: str) -> str:
    """Return the unit of a number called `name`; "" for what is counted."""
    if name in NAMES:
        return NAMES[name]
    return next((unit for suffix, unit in SUFFIXES if name.endswith(suffix)), "")
