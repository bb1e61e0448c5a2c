"""Who holds what a cgroup is charged for, in the words that its rules write their sentences with. Pure.

On an ordinary cgroup these are processes with heaps, and files that somebody can delete. Where a VMM or a
Sentry holds a guest's memory, neither is what a reader can look at or do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from memcollect.documents.snapshot import Pod
from memcollect.explain.guest import Guest, guests_of, scopes_of

FREE_IN_GUEST = (
    "Raise the limit, or give the guest less memory: what it frees stays charged unless a balloon or free"
    " page reporting gives it back, and dropping caches on the host frees none of it."
)
FREE_IN_SENTRY = (
    "Raise the limit, or end processes and delete files inside of the sandbox: the Sentry gives back what is"
    " freed there; dropping caches on the host frees none of its memfd."
)
LOOK_INSIDE = "Look at what runs inside the guest (ps, /proc/meminfo in it); from outside there is no more."


@dataclass(frozen=True, eq=False)
class Holder:
    """What the rules of one cgroup say of whose memory is there. One of few that are made once."""

    private: str
    """Whose the private memory is; what more a rule knows of it is said before the bracket is closed."""
    shared: str
    """What shared memory is, likewise."""
    pinned: str
    """What shared memory is that swap cannot take, likewise."""
    stays: str
    """Until when shared memory is there."""
    look: str = ""
    """Where to look for more; "" where the rules know better."""
    free: str = ""
    """What makes room in the pod; "" where the rules know better."""


PROCESSES = Holder(
    private="of the processes (heaps, stacks, JITs",
    shared="tmpfs or shared memory (/dev/shm, emptyDir medium Memory, memfd",
    pinned="tmpfs or shared memory that swap cannot take (mounted noswap, as the kubelet mounts emptyDir"
    " medium Memory, or locked",
    stays="it stays until its files are deleted and no process has them open or maps them",
)
BESIDE_VMM = replace(PROCESSES, free=FREE_IN_GUEST)
BESIDE_SENTRY = replace(PROCESSES, free=FREE_IN_SENTRY)


def _of_guest(program: str, own: str, free: str) -> Holder:
    return Holder(
        private=f"of {program} ({own}",
        shared="the guest's memory, as shared memory (memfd, /dev/shm",
        pinned="the guest's memory, which swap cannot take (locked",
        stays=f"it stays until {program} gives it back or ends",
        look=LOOK_INSIDE,
        free=free,
    )


SENTRY = _of_guest("the Sentry", "its own heap, not the guest's", FREE_IN_SENTRY)
VMM = _of_guest("the VMM", "its own, not the guest's", FREE_IN_GUEST)
VMM_BY_BACKING = {
    "anon": _of_guest("the VMM", "the guest's memory, and the VMM's own", FREE_IN_GUEST),
    "file": _of_guest(
        "the VMM", "what the guest has written of its snapshot, and the VMM's own", FREE_IN_GUEST
    ),
}
"""Where the guest's memory is private memory of the VMM."""


def holders_in(pod: Pod) -> tuple[Holder, dict[str, Holder]]:
    """Return who holds the pod's memory as a whole, and, by name, the containers in which a guest's is."""
    guests = [guest for guest in guests_of(scopes_of(pod)) if not guest.is_moved]
    if not guests:
        return PROCESSES, {}
    whole = BESIDE_SENTRY if any(guest.is_sentrys for guest in guests) else BESIDE_VMM
    return whole, {guest.scope.name: _holder(guest) for guest in guests}


def _holder(guest: Guest) -> Holder:
    return SENTRY if guest.is_sentrys else VMM_BY_BACKING.get(guest.backing, VMM)
