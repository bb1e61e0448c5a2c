"""A cell's numbers as text, for pages that have room. Pure."""

from __future__ import annotations

from memcollect.reporters.paged.layout import NO_INTERVAL, Bytes, Range
from memcollect.reporters.sizes import interval, signed_size, size


def long_text(cell: Bytes | Range) -> str:
    """Return the size or the interval, in full."""
    if isinstance(cell, Bytes):
        return signed_size(cell.value) if cell.signed else size(cell.value)
    if cell.low is None or cell.high is None:
        return NO_INTERVAL
    return interval(cell.low, cell.high, signed=cell.signed)
