"""Short words for holders. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from memcollect.documents.snapshot import Holder
from memcollect.units import MIB, human_bytes

MOST_NAMES = 3


def names_of(holders: Sequence[Holder]) -> str:
    """Return the names, the largest first, and how many more there are."""
    names = [each.name for each in holders[:MOST_NAMES]]
    more = len(holders) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def parts_of(holders: Sequence[Holder]) -> str:
    """Return what they hold by kind, the largest first: "3 GiB tmpfs, 2.4 GiB kernel memory"."""
    sizes = [
        (_total([each.anon_bytes for each in holders]), "private memory"),
        (_total([each.shmem_bytes for each in holders]), "tmpfs"),
        (_total([each.cache_bytes for each in holders]), "page cache"),
        (_total([each.kernel_bytes for each in holders]), "kernel memory"),
    ]
    told = sorted([(size, what) for size, what in sizes if size >= MIB], reverse=True)
    return ", ".join(f"{human_bytes(size)} {what}" for size, what in told) or "of which kind is not known"


def _total(parts: Sequence[int | None]) -> int:
    return sum(part or 0 for part in parts)
