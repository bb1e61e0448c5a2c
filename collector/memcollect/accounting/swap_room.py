"""Whether anonymous memory can go to swap: the node must have some, and the cgroup may use it. Pure.

A limit holds for all below it, so the pod's counts as the container's own does, and those above the pod.
Where memory.zswap.writeback is 0 nothing goes from zswap to a device: then memory.zswap.max is the limit
(Documentation/admin-guide/cgroup-v2.rst).
"""

from __future__ import annotations

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
    limits = [swap_limit(facts), zswap_limit(facts), swap_limit(facts, ABOVE), zswap_limit(facts, ABOVE)]
    known = [each for each in limits if each is not None]
    if any(not limit for limit, _ in known):
        return "forbidden"
    if "node.swap_free" in facts and not facts["node.swap_free"]:
        return "full"
    return "full" if any(used_share(each) >= FULL_SHARE for each in known) else "usable"


def swap_limit(facts: Facts, above: str = "") -> tuple[int, int] | None:
    """Return (most, used) of what one cgroup may swap out; None where it has no limit."""
    most = facts.get(f"{above}limit.swap")
    return None if most is None else (most, facts.get(f"{above}swap.current", 0))


def zswap_limit(facts: Facts, above: str = "") -> tuple[int, int] | None:
    """Return the same of zswap, where nothing goes on from there."""
    most = facts.get(f"{above}limit.zswap")
    if most is None or facts.get(f"{above}zswap.writeback") != 0:
        return None
    return most, facts.get(f"{above}zswap.current", 0)


def used_share(limit: tuple[int, int]) -> float:
    """Return how much of a limit is used: of one of nothing more than of any other."""
    most, used = limit
    return used / most if most else float("inf")
