"""A line of little bars. Pure."""

from __future__ import annotations

from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
LEAST_SHARE = 16
"""The full height stands for a sixteenth of the largest value at least: noise must not look like growth."""


def sparkline(values: Sequence[int | None]) -> str:
    """Return one bar for each value, the least the lowest; a space where there is no value."""
    known = [value for value in values if value is not None]
    if not known:
        return " " * len(values)
    low, high = min(known), max(known)
    height = max(high - low, high // LEAST_SHARE, 1)
    steps = len(BARS) - 1
    return "".join(" " if value is None else BARS[(value - low) * steps // height] for value in values)
