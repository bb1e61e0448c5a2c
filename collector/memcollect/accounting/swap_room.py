"""Whether anonymous memory can go to swap: the node must have some, and the cgroup may use it. Pure.

A limit holds for all below it, so the pod's counts as the container's own does. Where memory.zswap.writeback
is 0 nothing goes from zswap to a device: then memory.zswap.max is the limit (Documentation/admin-guide/
cgroup-v2.rst).
"""

from __future__ import annotations

from collections.abc import Iterator

from memcollect.accounting.facts import ABOVE, Facts
from memcollect.documents.snapshot import SwapRoom

FULL_SHARE = 0.99
"""A limit this nearly used up lets nothing of any size go any more."""


def swap_room(facts: Facts) -> SwapRoom:
    """Return whether this cgroup's memory can be swapped out, as far as the node told."""
    if "node.swap_devices" not in facts:
        return "unknown"
    if not facts["node.swap_devices"]:
        return "none"
    limits = [limit for above in ("", ABOVE) for limit in _limits(facts, above)]
    if any(not limit for limit, _ in limits):
        return "forbidden"
    if "node.swap_free" in facts and not facts["node.swap_free"]:
        return "full"
    return "full" if any(used >= FULL_SHARE * limit for limit, used in limits) else "usable"


def _limits(facts: Facts, above: str) -> Iterator[tuple[int, int]]:
    """Yield (most, used) of what one cgroup may swap out, and of zswap where nothing goes on from there."""
    if (most := facts.get(f"{above}limit.swap")) is not None:
        yield most, facts.get(f"{above}swap.current", 0)
    if facts.get(f"{above}zswap.writeback") == 0 and (most := facts.get(f"{above}limit.zswap")) is not None:
        yield most, facts.get(f"{above}zswap.current", 0)
