"""The working set in five parts that add up to it, whatever the kernel does not tell. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from memcollect.accounting.above import surroundings_of
from memcollect.accounting.composition import combine, compose
from memcollect.accounting.facts import MissingFactError
from memcollect.accounting.kinds import ANON, HOT_CACHE, KERNEL, SHMEM, Kind
from memcollect.accounting.scopes import container_facts, is_there
from memcollect.documents.snapshot import Composition, Pod, Undecided
from memcollect.join.roles import app_containers
from memcollect_agent.wire import Node

COLUMNS = (("ANON", ANON), ("SHMEM", SHMEM), ("HOT", HOT_CACHE), ("KERNEL", KERNEL))


class Part(Struct, frozen=True):
    """Bytes, or None where nothing of it is known; it lies in `low_bytes`..`high_bytes`.

    `partial`: something of it could not be decided, and is in the remainder instead.
    """

    bytes: int | None = None
    low_bytes: int | None = None
    high_bytes: int | None = None
    partial: bool = False

    @property
    def is_interval(self) -> bool:
        """Whether it is known only between two numbers."""
        return self.low_bytes != self.high_bytes


class Parts(Struct, frozen=True, kw_only=True):
    """anon + shmem + hot_cache + kernel + other_bytes = working_set_bytes; an unknown part counts as none."""

    working_set_bytes: int
    anon: Part = Part()
    shmem: Part = Part()
    hot_cache: Part = Part()
    kernel: Part = Part()
    other_bytes: int = 0
    """What is in none of them: the kernel's own bookkeeping, huge pages, whatever was not decided."""


_NONE = Part(0, 0, 0)
NO_PARTS = Parts(working_set_bytes=0, anon=_NONE, shmem=_NONE, hot_cache=_NONE, kernel=_NONE)


def composition_of(pod: Pod, node: Node | None) -> tuple[Composition | None, str]:
    """Return what kubectl top adds up of the pod, taken apart; or None and why.

    The processes are taken for unread: a live view does not ask for their sums, which would be zeros.
    """
    if pod.unmeasured:
        return None, pod.unmeasured
    apps = [each for each in app_containers(pod) if is_there(each)]
    around, compositions = surroundings_of(pod, node), []
    for container in apps:
        unread = msgspec.structs.replace(container, sums=None)
        facts = container_facts(unread, node, around.above_container(container, pod))
        try:
            compositions.append(compose(facts))
        except MissingFactError as missing:
            return None, f"container {container.name}: {missing}"
    if not compositions:
        inside = next((each.inside for each in pod.containers if each.inside), "")
        return None, inside or "none of its containers runs"
    return combine(compositions), ""


def parts_of(composition: Composition) -> Parts:
    """Return the parts of a composition; the remainder is what they leave, to the byte."""
    anon, shmem, hot_cache, kernel = (_part(composition, kind) for _, kind in COLUMNS)
    known = sum(part.bytes or 0 for part in (anon, shmem, hot_cache, kernel))
    return Parts(
        working_set_bytes=composition.working_set_bytes,
        anon=anon,
        shmem=shmem,
        hot_cache=hot_cache,
        kernel=kernel,
        other_bytes=composition.working_set_bytes - known,
    )


def undecided_parts(composition: Composition) -> list[tuple[str, Undecided]]:
    """Return (the part's name, what was missing) for all that was not decided."""
    undecided = composition.undecided
    return [(name, each) for name, kind in COLUMNS for each in undecided if each.name in kind.terms]


def added(parts: Iterable[Parts]) -> Parts:
    """Return the sum, in which what is unknown or partial of one stays partial."""
    total = NO_PARTS
    for each in parts:
        total = Parts(
            working_set_bytes=total.working_set_bytes + each.working_set_bytes,
            anon=_plus(total.anon, each.anon),
            shmem=_plus(total.shmem, each.shmem),
            hot_cache=_plus(total.hot_cache, each.hot_cache),
            kernel=_plus(total.kernel, each.kernel),
            other_bytes=total.other_bytes + each.other_bytes,
        )
    return total


def _part(composition: Composition, kind: Kind) -> Part:
    """Return Σ of the kind's terms; one that is neither there nor undecided holds no bytes."""
    partial = any(undecided.name in kind.terms for undecided in composition.undecided)
    if partial and not any(term.term in kind.terms for term in composition.terms):
        return Part(partial=True)
    amount = kind.joined(composition.terms)
    return Part(amount.estimate, amount.low, amount.high, partial)


def _plus(one: Part, other: Part) -> Part:
    return Part(
        (one.bytes or 0) + (other.bytes or 0),
        (one.low_bytes or 0) + (other.low_bytes or 0),
        (one.high_bytes or 0) + (other.high_bytes or 0),
        one.partial or other.partial,
    )
