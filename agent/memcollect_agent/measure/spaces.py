"""Which processes of one cgroup share an address space, so that its pages count once. Pure.

smaps_rollup shows the whole of a shared address space (vfork, CLONE_VM, gVisor's stubs) in each of its
processes, PSS included: a page table that two processes use maps each page once (fs/proc/task_mmu.c).

Only processes whose layout is the same can share one: exec puts code, stack and heap at random places,
fork copies them. Among these the kernel is asked (kcmp). Where it does not answer: forks that still live
share some page copied on write, at least those that neither wrote, so processes of equal layout and about
equal size without any such page share the space itself. What else looks alike is left open.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cmp_to_key
from itertools import groupby

from msgspec import Struct

MOST_COMPARED = 22_000
"""Calls of kcmp for one cgroup: enough to order two thousand forks of one program."""


NEAR_SHARE = 0.05
"""By how much the PSS of one address space may differ between two reads, milliseconds apart."""


class Reading(Struct, frozen=True):
    """What one process showed, as far as it matters here."""

    pid: int
    layout: bytes
    """As PidStat.layout."""
    copies: bool
    """Whether some anonymous page of it is another address space's too, or that is not known."""
    sizes: dict[str, int]
    """Its smaps_rollup, in bytes, by the kernel's name."""
    page_tables: int | None = None
    comm: str = ""
    start_ticks: int = 0

    @property
    def numbers(self) -> tuple[int, ...]:
        """Every number of its smaps_rollup, in the kernel's order."""
        return tuple(self.sizes.values())


class Sharing(Struct, frozen=True, kw_only=True):
    """What was found: for each process that counts no more, the pid of the one that does."""

    with_pid: dict[int, int]
    by: str
    """As ProcessSums.sharing_by."""
    alike: list[Reading]
    """Those that may be one of the others once more, which nobody could tell."""


Compare = Callable[[int, int], "int | None"]
"""The order of two pids' address spaces, 0 where they are the same; None where it cannot be told."""


def find_sharing(
    readings: Iterable[Reading], compare: Compare | None, is_randomised: Callable[[int], bool]
) -> Sharing:
    """Return who shares with whom; `is_randomised` tells of a pid whether exec laid it out at random.

    Of those that share, the one that was read first counts.
    """
    with_pid: dict[int, int] = {}
    alike: list[Reading] = []
    ways = set()
    asked = _Asked(compare)
    for family in _families(readings):
        same = asked.spaces(family)
        if same is None:
            same, unsure = _inferred(family, is_randomised)
            alike += unsure
            ways |= {"layout"} if same else set()
        elif same:
            ways.add("kcmp")
        for first, *others in same:
            with_pid.update((each.pid, first.pid) for each in others)
    return Sharing(with_pid=with_pid, by=", ".join(sorted(ways)), alike=alike)


def _families(readings: Iterable[Reading]) -> list[list[Reading]]:
    """Return the processes that may share an address space, together; one alone shares none."""
    families: dict[bytes | tuple[int, ...], list[Reading]] = {}
    for each in readings:
        # Who may not see the layout is left with the numbers.
        families.setdefault(each.layout or each.numbers, []).append(each)
    return [family for family in families.values() if len(family) > 1]


class _Asked:
    """Asks the kernel, as long as it answers and not too often."""

    def __init__(self, compare: Compare | None) -> None:
        self._compare = compare
        self._left = MOST_COMPARED

    def spaces(self, family: Sequence[Reading]) -> list[list[Reading]] | None:
        """Return the groups of more than one that share a space; None where the kernel did not tell."""
        # What a sort takes at most, and then each is held against the one before it.
        self._left -= len(family) * len(family).bit_length()
        if self._compare is None or self._left < 0:
            return None
        by_pid = {each.pid: each for each in family}
        try:
            groups = _groups(by_pid, self._compare)
        except _UntoldError:
            return None
        return [[by_pid[pid] for pid in group] for group in groups if len(group) > 1]


def _groups(pids: Iterable[int], compare: Compare) -> list[list[int]]:
    """Return the pids of each address space together. Raises _UntoldError."""

    def order(first: int, second: int) -> int:
        told = compare(first, second)
        if told is None:
            raise _UntoldError
        return told

    first, *others = sorted(pids, key=cmp_to_key(order))
    groups = [[first]]
    for each in others:
        if order(groups[-1][0], each):
            groups.append([each])
        else:
            groups[-1].append(each)
    return groups


class _UntoldError(Exception):
    """The kernel does not say, of one of them at least."""


def _inferred(
    family: Sequence[Reading], is_randomised: Callable[[int], bool]
) -> tuple[list[list[Reading]], list[Reading]]:
    """Return the groups that must share a space, and whoever may be another's double.

    Two reads of one space differ by what happened between them, so those without a copied page need not be
    equal to be the same.
    """
    readings = [each for each in family if any(each.numbers)]
    same, unsure = [], []
    alone = [each for each in readings if each.layout and not each.copies and is_randomised(each.pid)]
    if alone:
        near = [each for each in alone if _is_near(each, alone[0])]
        same += [near] if len(near) > 1 else []
        unsure += [each for each in alone if each not in near]
    in_order = sorted((each for each in readings if each not in alone), key=lambda each: each.numbers)
    for _, members in groupby(in_order, key=lambda each: each.numbers):
        unsure += sorted(members, key=family.index)[1:]
    return same, unsure


def _is_near(one: Reading, other: Reading) -> bool:
    sizes = one.sizes.get("Pss", 0), other.sizes.get("Pss", 0)
    return max(sizes) - min(sizes) <= NEAR_SHARE * max(sizes)
