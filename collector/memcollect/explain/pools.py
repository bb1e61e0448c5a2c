"""What pools and platforms above a pod's runtime mean for its memory. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from memcollect.documents.snapshot import Finding, Pod
from memcollect.documents.times import seconds_of
from memcollect.units import human_bytes

POOLED = {
    "opensandbox": "OpenSandbox",
    "deer-flow": "DeerFlow's provisioner",
    "agent-sandbox": "agent-sandbox",
}


def pool_findings(pod: Pod) -> Iterator[Finding]:
    """Yield what the pod's platforms mean for a reader of its numbers."""
    pooled = [name for key, name in POOLED.items() if key in pod.runtime.platforms]
    if pod.cgroup is None or not pooled:
        return
    yield _recycled(pod, pooled[0])
    if "deer-flow" in pod.runtime.platforms:
        yield Finding(
            cause="warm_pool",
            scope="pod",
            sentence="DeerFlow parks a released sandbox running: nothing is freed and no label changes, so to"
            " Kubernetes an idle sandbox and an active one look alike.",
        )
    if "agent-sandbox" in pod.runtime.platforms:
        yield Finding(
            cause="suspends_by_deletion",
            scope="pod",
            sentence="agent-sandbox suspends a sandbox by deleting its pod: a suspended one costs no"
            " memory and"
            " is not in this document.",
        )


def _recycled(pod: Pod, manager: str) -> Finding:
    peak = pod.cgroup.peak_bytes if pod.cgroup is not None else None
    age = _age(pod)
    old = f"is {age} old" if age else "is of unknown age"
    most = (
        f"held {human_bytes(peak)} at its most" if peak is not None else "held an unknown amount at its most"
    )
    why = "" if peak is not None else " (this kernel keeps no memory.peak)"
    return Finding(
        cause="recycled",
        scope="pod",
        sentence=f"The pod {old} and {most}{why}: {manager} may hand the same pod to one user after another,"
        ' so what looks like an "empty" sandbox can carry what an earlier one left.',
        evidence=f"startTime {pod.start_time}; memory.peak {peak}",
        remedy="To compare backends or phases, measure pods that were made for it.",
    )


def _age(pod: Pod) -> str:
    now = pod.cgroup.current_read_at if pod.cgroup is not None else None
    began = seconds_of(pod.start_time)
    if now is None or began is None:
        return ""
    seconds = now - began
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
