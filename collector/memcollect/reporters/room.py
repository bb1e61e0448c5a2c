"""A charge beside its limit: what stays, what can be dropped, what is free. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from memcollect.join.roles import app_containers
from memcollect_agent.wire import Limit

if TYPE_CHECKING:
    from memcollect.documents.snapshot import Pod

DROPPABLE = frozenset({"yes", "mostly", "under-pressure", "without-swap"})
"""What the kernel takes back as it is, without swap (memcollect.documents.snapshot.Reclaimable)."""


class Room(Struct, frozen=True, kw_only=True):
    """Parts that sum to the limit, or to the charge where there is none."""

    kept_bytes: int
    """Of the charge: what needs swap, a write-back or the program's own doing to go."""
    droppable_bytes: int
    """Of the working set: what is dropped under pressure."""
    cold_bytes: int
    """Of the charge and not of the working set: inactive page cache, which goes first."""
    free_bytes: int = 0
    limit_bytes: int | None = None
    is_unlimited: bool = False
    """Whether it has no limit, as was read; else one that is None is not known."""

    @property
    def whole_bytes(self) -> int:
        """Return what the parts sum to."""
        return self.kept_bytes + self.droppable_bytes + self.cold_bytes + self.free_bytes


def room_of(pod: Pod) -> Room | None:
    """Return the room of a pod whose working set and charge are known.

    The charge is that of the containers that kubectl top adds up.
    """
    apps = [each.cgroup for each in app_containers(pod) if each.cgroup is not None]
    charges = [each.current_bytes for each in apps]
    known = [each for each in charges if each is not None]
    if pod.composition is None or not apps or len(known) < len(charges):
        return None
    charge, working_set = sum(known), pod.composition.working_set_bytes
    droppable = sum(
        max(0, term.estimate_bytes) for term in pod.composition.terms if term.reclaimable in DROPPABLE
    )
    droppable = min(droppable, working_set)
    cold = max(0, charge - working_set)
    found = limit_of(pod)
    limit = found if isinstance(found, int) else None
    return Room(
        kept_bytes=max(0, working_set - droppable),
        droppable_bytes=droppable,
        cold_bytes=cold,
        free_bytes=max(0, limit - charge) if limit is not None else 0,
        limit_bytes=limit,
        is_unlimited=found == "max",
    )


def limit_of(pod: Pod) -> Limit:
    """Return the pod's own limit in bytes, or its only container's where that is less.

    "max": it has none; Kubernetes gives the pod's cgroup one only where every container has one. None: it
    was not read.
    """
    apps = [each.cgroup for each in app_containers(pod) if each.cgroup is not None]
    own = [pod.cgroup] if pod.cgroup is not None else []
    limits = [each.max_bytes for each in (*own, *(apps if len(apps) == 1 else ()))]
    known = [each for each in limits if isinstance(each, int) and each > 0]
    return min(known) if known else next((each for each in limits if each == "max"), None)
