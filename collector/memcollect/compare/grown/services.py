"""Services that ran at the earlier moment and not at the later: what that was to save, and what it did. Pure.

Measured is by how much the container's charge fell. What else changed in it meanwhile cannot be told apart
from that, and the words say so.
"""

from __future__ import annotations

from memcollect.compare.growth import ServicesOff
from memcollect.compare.processes import lists_all
from memcollect.documents.snapshot import Container, Pod
from memcollect.join.roles import app_containers
from memcollect.services.group import OTHER, UNLISTED
from memcollect.services.price import saved_together


def services_off(old: Pod, new: Pod) -> list[ServicesOff]:
    """Return for each container which services are off now; nothing where that is not known for sure."""
    after = {each.name: each for each in app_containers(new)}
    pairs = [(each, after[each.name]) for each in app_containers(old) if each.name in after]
    found = [_off(before, now) for before, now in pairs]
    return [each for each in found if each is not None]


def _off(before: Container, now: Container) -> ServicesOff | None:
    running = {each.name for each in now.services}
    gone = [each for each in before.services if each.name not in {OTHER, UNLISTED} | running]
    if not gone or not lists_all(now):
        return None
    low, high = saved_together(gone)
    charges = [each.cgroup.current_bytes if each.cgroup else None for each in (before, now)]
    fell = charges[0] - charges[1] if charges[0] is not None and charges[1] is not None else None
    return ServicesOff(
        container=before.name,
        services=[each.name for each in gone],
        predicted_low_bytes=low,
        predicted_high_bytes=high,
        fell_bytes=fell,
    )
