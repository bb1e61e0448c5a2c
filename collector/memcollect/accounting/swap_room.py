"""Whether anonymous memory can go to swap: the node must have some, and the cgroup may use it. Pure."""

from __future__ import annotations

from memcollect.accounting.facts import Facts
from memcollect.documents.snapshot import SwapRoom

FULL_SHARE = 0.99
"""A limit this nearly used up lets nothing of any size go any more."""


def swap_room(facts: Facts) -> SwapRoom:
    """Return whether this cgroup's memory can be swapped out, as far as the node told."""
    if "node.swap_devices" not in facts:
        return "unknown"
    if not facts["node.swap_devices"]:
        return "none"
    if "limit.swap" in facts and not facts["limit.swap"]:
        return "forbidden"
    return "full" if _is_full(facts) else "usable"


def _is_full(facts: Facts) -> bool:
    if "node.swap_free" in facts and not facts["node.swap_free"]:
        return True
    if "limit.swap" not in facts or "swap.current" not in facts:
        return False
    return facts["swap.current"] >= FULL_SHARE * facts["limit.swap"]
