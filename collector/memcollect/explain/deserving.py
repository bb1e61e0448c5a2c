"""Which pods of a large snapshot deserve full detail: for which reasons, and how much for each. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from memcollect.documents.snapshot import Pod
from memcollect.explain.statement import NEWS, Rank
from memcollect.units import MIB

REASONS = {
    "largest": "the largest",
    "urgent": "killed, near a limit, or not as Kubernetes says",
    "growing": "growing",
    "unexplained": "not explained",
}
"""Each reason, and what the pods are that have it."""
LEAST_GROWTH_SHARE = 0.05
"""Of the working set: what grew by less since kubectl top's sample is no news."""

Weights = Mapping[str, int]
"""By reason: among those that have it, the heavier deserves it more."""


def deserving(pod: Pod) -> Weights:
    """Return every reason that an explained pod has to be told in full; what was not measured has none."""
    if pod.composition is None:
        return {}
    size_bytes = pod.composition.working_set_bytes
    found = {"largest": size_bytes}
    ranks = {said.rank for said in pod.statements} & set(NEWS)
    if ranks & {Rank.DEATHS, Rank.PRESSURE}:
        found["urgent"] = size_bytes
    grown = growth_bytes(pod)
    if grown is not None:
        found["growing"] = grown
    if Rank.DOUBTS in ranks or (pod.top is not None and pod.top.status == "unexplained"):
        found["unexplained"] = _unexplained_bytes(pod, size_bytes)
    return found


def growth_bytes(pod: Pod) -> int | None:
    """Return by how much the pod grew since kubectl top's sample; None where it did not, or nobody knows."""
    if pod.composition is None or pod.top is None or pod.top.status != "drifted":
        return None
    now, then = pod.composition.working_set_bytes, pod.top.memory_bytes
    if then is None or now - then < max(MIB, LEAST_GROWTH_SHARE * now):
        return None
    return now - then


def _unexplained_bytes(pod: Pod, size_bytes: int) -> int:
    residual = abs(pod.composition.residual.estimate_bytes) if pod.composition else 0
    shown = pod.top.memory_bytes if pod.top is not None and pod.top.status == "unexplained" else None
    return max(residual, 0 if shown is None else abs(size_bytes - shown))
