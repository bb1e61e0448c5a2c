"""Bytes and lengths of time as people read and write them. Pure."""

import re

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30


LARGEST_READABLE = {"KiB": 1023.5, "MiB": 9_999.5, "GiB": 1023.5}
"""MiB stay MiB up to 10,000, as in the tables: sizes of one pod should be comparable by eye."""
_UNITS = tuple(
    (unit, LARGEST_READABLE[name] * unit, name) for unit, name in ((KIB, "KiB"), (MIB, "MiB"), (GIB, "GiB"))
)
"""Each with the size that is too large for it."""
_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?(ms|s|m|min|h)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def human_bytes(size_bytes: int) -> str:
    """Return a size as a person reads it, e.g. "388 MiB", "1012 MiB", "1.4 TiB", "12 B".

    One decimal below 100, as the tables have it, but no ".0". A size that is not zero never reads as zero.
    """
    sign, size = ("−" if size_bytes < 0 else ""), abs(size_bytes)
    if size < KIB:
        return f"{sign}{size} B"
    for unit, too_large, name in _UNITS:
        if size < too_large:
            return f"{sign}{_brief(size / unit)} {name}"
    return f"{sign}{_brief(size / (GIB << 10))} TiB"


def _brief(number: float) -> str:
    return f"{number:.0f}" if number >= 99.95 else f"{number:.1f}".removesuffix(".0")


def duration_seconds(text: str) -> float | None:
    """Return the seconds that `text` says, as "500ms", "20s", "2m", "2 min" or "1.5h"; None: it says none."""
    written = _DURATION.fullmatch(text)
    return float(written[1]) * _SECONDS[written[2]] if written else None
