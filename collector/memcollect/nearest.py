"""What somebody may have meant who wrote a name that is none."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MOST = 3
LEAST_LIKENESS = 0.6


def nearest(written: str, names: Iterable[str], most: int = MOST) -> str:
    """Return the names most like `written`, joined by "or"; empty where none is like it."""
    return " or ".join(difflib.get_close_matches(written, list(dict.fromkeys(names)), most, LEAST_LIKENESS))
