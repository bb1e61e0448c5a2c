"""That the kubelet has put a pod out, as Kubernetes says it: when, and why."""

from __future__ import annotations

from msgspec import Struct

from memcollect.kubernetes.objects import Pod
from memcollect.sources.plain import plain

EVICTED = "Evicted"
"""status.reason of such a pod, and the reason of the kubelet's event (pkg/kubelet/eviction)."""
_DISRUPTION = "DisruptionTarget"
"""The condition that the kubelet sets together with it."""


class Eviction(Struct, frozen=True):
    """One pod's eviction."""

    at: str = ""
    """RFC 3339; empty: nobody says."""
    said: str = ""
    """Why, in the kubelet's words."""

    @property
    def told(self) -> str:
        """It as the end of a sentence."""
        when = f" at {plain(self.at)}" if self.at else ""
        why = f" ({plain(self.said).rstrip('. ')})" if self.said else ""
        return f"evicted{when}{why}"


def eviction_of(pod: Pod) -> Eviction | None:
    """Return how the pod was evicted; None where it was not."""
    if pod.status.reason != EVICTED:
        return None
    return Eviction(at=_ended_at(pod), said=pod.status.message or "")


def _ended_at(pod: Pod) -> str:
    set_at = (each.last_transition_time for each in pod.status.conditions if each.type == _DISRUPTION)
    states = (status.state.terminated for status in pod.status.container_statuses)
    ends = sorted(state.finished_at for state in states if state is not None and state.finished_at)
    return next((at for at in set_at if at), ends[-1] if ends else "")
