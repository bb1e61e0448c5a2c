"""The agent may not import the collector, so its arithmetic stands twice; here the two are held together."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from memcollect.accounting.composition import compose
from memcollect.accounting.facts import gather
from memcollect.accounting.interval import total
from memcollect.accounting.kinds import DETACHED, HOT_CACHE, PRIVATE, SHMEM, Whole
from memcollect.documents.snapshot import Term
from memcollect_agent.metrics.parts import CORE_TERMS, TERMS, Parts, grouped, parts_of
from memcollect_agent.parse import flat_keyed
from memcollect_agent.wire import Cgroup
from worlds.agent_trees import FIXTURES

MIB = 1 << 20
LRU = ("active_anon", "inactive_anon", "active_file", "inactive_file", "unevictable")
EMPTY = dict.fromkeys((*LRU, "anon", "file", "shmem", "sock", "kernel"), 0)
WHOLES = {
    "anon": (PRIVATE,),
    "detached_anon": (DETACHED, Whole("detached_anon")),
    "shmem": SHMEM.wholes,
    "hot_cache": HOT_CACHE.wholes,
}
"""The agent's terms that the collector splits by what the kernel can do with them."""
RECORDED = sorted(
    path.parent for path in FIXTURES.rglob("memory.stat") if (path.parent / "memory.current").exists()
)


def read(directory: Path) -> tuple[dict[str, int], int]:
    stat = flat_keyed.parse((directory / "memory.stat").read_bytes(), "memory.stat")
    return stat, int((directory / "memory.current").read_text())


def made(current: int, **numbers: int) -> Parts:
    return parts_of(EMPTY | numbers, current)


def test_there_are_recorded_cgroups_of_old_and_new_kernels() -> None:
    kernels = {path.relative_to(FIXTURES).parts[0].rpartition("-")[2] for path in RECORDED}
    assert {"5.10", "6.1", "6.12", "7.2"} <= kernels


def test_on_every_recorded_cgroup_the_terms_sum_to_the_working_set() -> None:
    for directory in RECORDED:
        parts = parts_of(*read(directory))
        assert sum(parts.composition.values()) == parts.working_set, directory


def test_on_every_recorded_cgroup_working_set_and_what_it_leaves_out_sum_to_the_charge() -> None:
    for directory in RECORDED:
        parts = parts_of(*read(directory))
        assert parts.working_set is not None
        assert parts.cold_cache is not None
        assert parts.lazyfree is not None
        assert parts.working_set + parts.cold_cache + parts.lazyfree == parts.current, directory


def test_on_every_recorded_cgroup_the_groups_of_the_core_set_sum_to_the_same() -> None:
    for directory in RECORDED:
        parts = parts_of(*read(directory))
        groups = grouped(parts.composition)
        assert tuple(groups) == CORE_TERMS
        assert sum(groups.values()) == parts.working_set, directory


def test_every_term_is_in_one_group() -> None:
    """Each term a power of two: a term in two groups, or in none, would show in the sum."""
    weights = {term: 1 << place for place, term in enumerate(TERMS)}
    groups = grouped(weights)
    assert sum(groups.values()) == (1 << len(TERMS)) - 1
    assert groups["droppable"] == weights["hot_cache"] + weights["slab_reclaimable"]


def test_a_group_of_which_a_part_is_unknown_is_left_out() -> None:
    assert grouped({"slab_reclaimable": 5, "anon": 3, "shmem": 2}) == {"shmem": 2}


def test_on_every_recorded_cgroup_each_term_is_the_collectors() -> None:
    for directory in RECORDED:
        stat, current = read(directory)
        mine = parts_of(stat, current)
        composition = compose(gather(Cgroup(path="/", stat=stat, current_bytes=current), None, None))
        assert mine.working_set == composition.working_set_bytes
        theirs = agreed(composition.terms)
        if "kernel" not in stat:
            theirs.pop("other_kernel", None)
        # The collector leaves out terms that are 0.
        own = {term: size for term, size in mine.composition.items() if size and term != "residual"}
        assert own == theirs, directory


def agreed(terms: Sequence[Term]) -> dict[str, int]:
    """Return the collector's terms as the agent has them, without those of no bytes.

    Of an interval that is the end which holds when least was given back with MADV_FREE.
    """
    split = {name for wholes in WHOLES.values() for each in wholes for name in (each.term, *each.splits)}
    found = {term.term: term.low_bytes for term in terms if term.term not in split}
    for name, wholes in WHOLES.items():
        whole = total(each.joined(terms) for each in wholes)
        found[name] = whole.high if name == "anon" else whole.low
    return {name: size for name, size in found.items() if size}


def test_freed_anonymous_memory_counts_neither_as_anon_nor_as_cache() -> None:
    parts = made(66 * MIB, anon=66 * MIB, active_anon=10 * MIB, inactive_file=56 * MIB)
    assert parts.lazyfree == 56 * MIB
    assert parts.cold_cache == 0
    assert parts.working_set == 10 * MIB
    assert parts.composition["anon"] == 10 * MIB
    assert parts.composition["hot_cache"] == 0
    assert parts.composition["residual"] == 0


def test_locked_cache_is_hot() -> None:
    parts = made(9 * MIB, file=9 * MIB, inactive_file=2 * MIB, active_file=3 * MIB, unevictable=4 * MIB)
    assert parts.composition["hot_cache"] == 7 * MIB
    assert parts.cold_cache == 2 * MIB


def test_the_residual_is_what_no_counter_names_and_may_be_negative() -> None:
    assert made(5 * MIB, anon=3 * MIB, active_anon=3 * MIB).composition["residual"] == 2 * MIB
    assert made(2 * MIB, anon=3 * MIB, active_anon=3 * MIB).composition["residual"] == -MIB


def test_huge_pages_are_a_term_only_where_the_kernel_charges_them() -> None:
    assert "hugetlb" not in made(4 * MIB).composition
    parts = made(4 * MIB, hugetlb=4 * MIB)
    assert (parts.composition["hugetlb"], parts.composition["residual"]) == (4 * MIB, 0)


@pytest.mark.parametrize("lost", ["anon", "file", "shmem", "unevictable", "sock"])
def test_without_a_counter_that_every_kernel_has_there_is_no_residual(lost: str) -> None:
    stat = {name: size for name, size in EMPTY.items() if name != lost}
    parts = parts_of(stat, MIB)
    assert "residual" not in parts.composition
    assert lost not in parts.composition
    assert parts.working_set == MIB


def test_an_unreadable_file_leaves_unknown_what_needs_it() -> None:
    without_stat = parts_of(None, MIB)
    assert (without_stat.current, without_stat.working_set, without_stat.composition) == (MIB, None, {})
    without_current = parts_of(EMPTY, None)
    assert (without_current.current, without_current.working_set) == (None, None)
    assert "residual" not in without_current.composition
    assert without_current.cold_cache == 0


def test_the_kernel_of_before_5_18_makes_no_series_of_what_it_does_not_itemise() -> None:
    stat = {name: size for name, size in EMPTY.items() if name != "kernel"}
    parts = parts_of(stat | {"slab_reclaimable": 1, "slab_unreclaimable": 2}, 10)
    assert "other_kernel" not in parts.composition
    assert "page_tables" not in parts.composition
    assert parts.composition["residual"] == 7


def test_every_term_is_in_the_documented_list() -> None:
    seen = {term for directory in RECORDED for term in parts_of(*read(directory)).composition}
    assert seen <= set(TERMS)
    assert set(TERMS) - seen <= {"hugetlb"}
