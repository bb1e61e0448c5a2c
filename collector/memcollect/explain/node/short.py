"""What a pod should know of its node: that memory is short there. Pure."""

from __future__ import annotations

from memcollect.documents.snapshot import Finding
from memcollect.units import human_bytes
from memcollect_agent.wire import Node

SHORT_SHARE = 0.05
"""Of MemTotal: with less available than that the kubelet and the kernel look for somebody to end."""


def node_short(node: Node | None) -> list[Finding]:
    """Return the finding on a pod whose node is short of memory; none where it is not, or is not known."""
    meminfo = (node.meminfo if node is not None else None) or {}
    whole, available = meminfo.get("MemTotal"), meminfo.get("MemAvailable")
    if node is None or not whole or available is None or available >= SHORT_SHARE * whole:
        return []
    return [
        Finding(
            cause="node_short",
            scope="pod",
            low_bytes=available,
            high_bytes=available,
            estimate_bytes=available,
            severity="notice",
            sentence=f"Its node has only {human_bytes(available)} of {human_bytes(whole)} available: the"
            " kubelet may evict this pod, or the kernel kill in it, whoever holds the memory.",
            evidence=f"MemAvailable {available}, MemTotal {whole}",
            remedy="`memcollect node` says who holds it, and who would go first.",
        )
    ]
