"""Adding up what several cgroups' processes were measured to use. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

from memcollect_agent.wire import ProcessSums, Rings

COUNTS = (
    "listed",
    "read",
    "vanished",
    "zombies",
    "kernel_threads",
    "skipped_unlisted",
    "sharing",
    "alike",
)
ALIKE = ("alike_pss_bytes", "alike_pss_anon_bytes", "alike_pss_file_bytes", "alike_pss_shmem_bytes")
AMOUNTS = (
    "threads",
    "rss_bytes",
    "pss_bytes",
    "pss_anon_bytes",
    "pss_file_bytes",
    "pss_shmem_bytes",
    "lazyfree_bytes",
    "swap_bytes",
    "swap_pss_bytes",
    "locked_bytes",
    "anon_huge_bytes",
    "ksm_bytes",
    "hugetlb_bytes",
    "page_tables_bytes",
)


def add_sums(parts: Sequence[ProcessSums]) -> ProcessSums:
    """Return the sums over all of them; an amount is None where one part has processes but not the amount."""
    counts = _added(COUNTS, parts)
    alike = _added(ALIKE, [part for part in parts if part.alike]) if counts["alike"] else {}
    sharing = [part.sharing_rss_bytes for part in parts if part.sharing]
    counted = [part.descriptors for part in parts if part.descriptors is not None]
    unlisted = [part.skipped_unlisted_rss_bytes for part in parts if part.skipped_unlisted]
    return ProcessSums(
        **counts,
        **_added(AMOUNTS, [part for part in parts if part.read]),
        **alike,
        descriptors=sum(counted) if counted else None,
        sharing_by=", ".join(sorted({part.sharing_by for part in parts if part.sharing_by})),
        sharing_rss_bytes=_sum(sharing) if sharing else None,
        skipped=[process for part in parts for process in part.skipped],
        skipped_unlisted_rss_bytes=_sum(unlisted),
        rings=_add_rings([part.rings for part in parts if part.rings is not None]),
        block_bytes=min((part.block_bytes for part in parts if part.block_bytes), default=None),
        read_from=min((part.read_from for part in parts if part.read_from is not None), default=None),
        read_until=max((part.read_until for part in parts if part.read_until is not None), default=None),
    )


def _add_rings(parts: Sequence[Rings]) -> Rings | None:
    """Return them added up; None where none was looked for."""
    return Rings(**_added(Rings.__struct_fields__, parts)) if parts else None


def _added(names: Sequence[str], parts: Sequence[ProcessSums | Rings]) -> dict[str, Any]:
    """Return the sum of each field over the parts; None where one of them has none."""
    columns = zip(*map(_getter(names), parts), strict=True) if parts else [()] * len(names)
    return {
        name: None if None in column else sum(column) for name, column in zip(names, columns, strict=True)
    }


def _sum(amounts: Sequence[int | None]) -> int | None:
    known = [each for each in amounts if each is not None]
    return sum(known) if len(known) == len(amounts) else None


@cache
def _getter(names: Sequence[str]) -> Callable[[Any], Sequence[Any]]:
    """Return what reads these fields of a struct at once."""
    return attrgetter(*names)
