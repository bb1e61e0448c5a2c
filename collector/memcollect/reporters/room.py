"""A charge beside its limit: what stays, what can be dropped, what is free. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from memcollect.accounting.reclaim import DROPPABLE
from memcollect.join.limit import limit_of, limited
from memcollect.join.roles import app_containers
from memcollect.join.states import has_ended

if TYPE_CHECKING:
    from memcollect.documents.snapshot import Composition, Pod


PARTS = {
    "kept_bytes": "held",
    "droppable_bytes": "can be dropped",
    "left_out_bytes": "goes first, in no working set",
    "beside_bytes": "beside its containers",
    "free_bytes": "free",
}
"""The parts of a room in the order of its bar, and what each is called."""


class Room(Struct, frozen=True, kw_only=True):
    """Parts that sum to the limit, or to the charge where there is none."""

    kept_bytes: int
    """Of its containers' charge: what needs swap, a write-back or the program's own doing to go."""
    droppable_bytes: int
    """Of the working set: what is dropped under pressure."""
    left_out_bytes: int
    """Of the charge and not of the working set: what goes first, inactive page cache above all."""
    beside_bytes: int = 0
    """Of the pod's own charge, where the limit is the pod's: what is in none of its containers."""
    free_bytes: int = 0
    limit_bytes: int | None = None
    is_pods_alone: bool = False
    """Whether only the pod's own limit is held against: each of its containers may have another."""
    is_unlimited: bool = False
    """Whether it has no limit, as was read; else one that is None is not known."""

    @property
    def whole_bytes(self) -> int:
        """Return what the parts sum to."""
        charge = self.kept_bytes + self.droppable_bytes + self.left_out_bytes + self.beside_bytes
        return charge + self.free_bytes

    @property
    def held_bytes(self) -> int:
        """Return what cannot simply be dropped: what leads to a kill when it reaches the limit."""
        return self.kept_bytes + self.beside_bytes


def room_of(pod: Pod) -> Room | None:
    """Return the room of a pod whose working set and charge are known, to the limit that is nearest.

    None of a pod that has ended, which needs none.

    A limit of the pod's own is held against all that is charged to the pod, as the kernel does.
    """
    apps = [each.cgroup for each in app_containers(pod) if each.cgroup is not None]
    charges = [each.current_bytes for each in apps]
    known = [each for each in charges if each is not None]
    if pod.composition is None or not apps or len(known) < len(charges) or has_ended(pod):
        return None
    inside = sum(known)
    found = limited(pod)
    limit, charge = min(
        ((each.max_bytes, each.current_bytes or 0) for each in found if isinstance(each.max_bytes, int)),
        key=lambda each: each[0] - each[1],
        default=(None, inside),
    )
    charge = max(charge, inside)
    droppable, kept_outside = _fates(pod.composition)
    left_out = max(0, inside - pod.composition.working_set_bytes - kept_outside)
    droppable = min(droppable, inside - left_out)
    return Room(
        kept_bytes=inside - left_out - droppable,
        droppable_bytes=droppable,
        left_out_bytes=left_out,
        beside_bytes=charge - inside,
        free_bytes=max(0, limit - charge) if limit is not None else 0,
        limit_bytes=limit,
        is_pods_alone=len(apps) > 1,
        is_unlimited=limit_of(pod) == "max",
    )


def _fates(composition: Composition) -> tuple[int, int]:
    """Return (what of the working set can be dropped, what outside of it cannot), by the terms."""
    droppable = sum(max(0, t.estimate_bytes) for t in composition.terms if t.reclaimable in DROPPABLE)
    kept = sum(max(0, t.estimate_bytes) for t in composition.left_out if t.reclaimable not in DROPPABLE)
    return droppable, kept
