"""Findings of a sandbox's cgroup in words that hold for a guest. Pure.

The rules of a cgroup speak of its processes' heaps, and of files that somebody can delete. Where a VMM or a
Sentry holds a guest's memory there, neither is what a reader can look at or do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from memcollect.documents.snapshot import Finding, Pod
from memcollect.explain.findings import HEAPS, PINNED, STAYS, TMPFS_OR_SHARED
from memcollect.explain.guest import Guest, guests_of, scopes_of
from memcollect.explain.kills.told import FIND_WHAT_GREW, RAISE_OR_DELETE
from memcollect.explain.limits import MAKE_ROOM

FREE_IN_GUEST = (
    "Raise the limit, or give the guest less memory: what it frees stays charged unless a balloon or free"
    " page reporting gives it back, and dropping caches on the host frees none of it."
)
FREE_IN_SENTRY = (
    "Raise the limit, or end processes and delete files inside of the sandbox: the Sentry gives back what is"
    " freed there; dropping caches on the host frees none of its memfd."
)
LOOK_INSIDE = "Look at what runs inside the guest (ps, /proc/meminfo in it); from outside there is no more."
OF_PROCESSES = frozenset({MAKE_ROOM, RAISE_OR_DELETE, FIND_WHAT_GREW})
"""What to do that only processes on the host's kernel can do."""
_OWN_ANON = {
    "anon": "the guest's memory, and the VMM's own",
    "file": "what the guest has written of its snapshot, and the VMM's own",
}


def in_guest_words(findings: Iterable[Finding], pod: Pod) -> list[Finding]:
    """Return the findings, with those of a cgroup that holds a guest's memory told as the guest's."""
    guests = {guest.scope.name: guest for guest in guests_of(scopes_of(pod)) if not guest.is_moved}
    if not guests:
        return list(findings)
    by_sentry = any(guest.is_sentrys for guest in guests.values())
    room = FREE_IN_SENTRY if by_sentry else FREE_IN_GUEST
    return [_of_scope(_remedied(each, room), guests) for each in findings]


def _remedied(finding: Finding, room: str) -> Finding:
    return msgspec.structs.replace(finding, remedy=room) if finding.remedy in OF_PROCESSES else finding


def _of_scope(finding: Finding, guests: Mapping[str, Guest]) -> Finding:
    guest = guests.get(finding.scope)
    if guest is None or not finding.sentence:
        return finding
    sentence = finding.sentence
    for theirs, ours in _phrases(guest).get(finding.cause, ()):
        sentence = sentence.replace(theirs, ours)
    if sentence == finding.sentence:
        return finding
    return msgspec.structs.replace(finding, sentence=sentence, remedy=LOOK_INSIDE)


def _phrases(guest: Guest) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return by cause what a rule says, and what holds here."""
    holder = "the Sentry" if guest.is_sentrys else "the VMM"
    own = (
        "its own heap, not the guest's"
        if guest.is_sentrys
        else _OWN_ANON.get(guest.backing, "its own, not the guest's")
    )
    stays = (STAYS, f"it stays until {holder} gives it back or ends")
    return {
        "anon": ((HEAPS, f"of {holder} ({own}"),),
        "shmem": ((TMPFS_OR_SHARED, "the guest's memory, as shared memory (memfd, /dev/shm"), stays),
        "pinned_shmem": ((PINNED, "the guest's memory, which swap cannot take (locked"), stays),
    }
