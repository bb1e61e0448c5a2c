"""Numbers and names in sentences. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from memcollect.sources.plain import plain

FEW = 3
"""Names that a sentence lists; all are in the items."""


def few(names: Iterable[str]) -> str:
    """Return the first names, and how many more there are: "a, b, c and 4 more"."""
    every = [plain(name, 200) for name in names]
    if len(every) <= FEW:
        return ", ".join(every)
    return f"{', '.join(every[:FEW])} and {len(every) - FEW} more"


def count(number: int, what: str) -> str:
    """Return the number with its noun: "1 node", "2 nodes"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def of_nodes(names: Sequence[str], whole: int) -> str:
    """Return which of all nodes: "2 of 5 nodes (a, b)"."""
    return f"{len(names)} of {count(whole, 'node')} ({few(names)})"


def seconds(value: float) -> str:
    """Return a time that people can compare: ms below a second, then s, min, h."""
    if abs(value) < 1:
        return f"{value * 1000:.0f} ms"
    if abs(value) < 120:
        return f"{value:.1f} s" if abs(value) < 10 else f"{value:.0f} s"
    return f"{value / 60:.0f} min" if abs(value) < 7200 else f"{value / 3600:.1f} h"
