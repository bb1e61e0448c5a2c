"""What memory.stat says of a cgroup whose every page is known: no amount may contradict the truth."""

from dataclasses import dataclass, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect.accounting.composition import compose
from memcollect.accounting.facts import Facts, gather
from memcollect.accounting.interval import ZERO, Interval
from memcollect.accounting.kinds import DETACHED, HOT_CACHE, PRIVATE, SHMEM
from memcollect.accounting.reclaim import reclaim
from memcollect.accounting.rules import Amount
from memcollect.accounting.user_pages import (
    LEAST_UNWRITTEN_BYTES,
    Unwritten,
    locked_anon,
    locked_cache,
    pinned_shmem,
    swap_cache,
    tells_swap_cache,
    unwritten,
)
from memcollect_agent.wire import Cgroup, Node, ProcessSums
from worlds.builders import MIB, NODE, facts

SIZES = st.one_of(st.just(0), st.integers(0, 4).map(lambda pages: pages * 4096), st.integers(0, 64 * MIB))


@dataclass(frozen=True)
class Pages:
    """The user pages of one cgroup in bytes, each counted in one field only."""

    anon: int
    locked_anon: int
    lazyfree: int
    swap_cache: int
    split_huge: int
    shmem: int
    pinned_shmem: int
    hot_cache: int
    hot_dirty: int
    hot_written: int
    hot_dirty_again: int
    """Written anew while the write-back of before is under way."""
    cold_cache: int
    cold_dirty: int
    cold_written: int
    cold_dirty_again: int
    locked_cache: int
    swapped_now: int
    """Of `anon`, or beside it: under write-back to swap."""

    @property
    def unwritten(self) -> dict[str, int]:
        return {
            "unwritten_hot_cache": self.hot_dirty + self.hot_written + self.hot_dirty_again,
            "unwritten_cold_cache": self.cold_dirty + self.cold_written + self.cold_dirty_again,
        }

    def stat(self, *, swap_devices: int) -> dict[str, int]:
        """Return what the kernel counts of them; all its own memory is none."""
        hot = self.hot_cache + self.unwritten["unwritten_hot_cache"]
        cold = self.cold_cache + self.unwritten["unwritten_cold_cache"]
        shmem = self.shmem + self.pinned_shmem
        again = self.hot_dirty_again + self.cold_dirty_again
        return {
            "anon": self.anon + self.locked_anon + self.lazyfree,
            "file": shmem + hot + cold + self.locked_cache,
            "shmem": shmem,
            "file_dirty": self.hot_dirty + self.cold_dirty + again,
            "file_writeback": self.hot_written
            + self.cold_written
            + again
            + (self.swapped_now if swap_devices else 0),
            "active_anon": self.anon + self.split_huge,
            "inactive_anon": self.shmem + (self.swap_cache if swap_devices else 0),
            "active_file": hot,
            "inactive_file": cold + self.lazyfree,
            "unevictable": self.locked_anon + self.pinned_shmem + self.locked_cache,
            "swapcached": self.swap_cache if swap_devices else 0,
            **dict.fromkeys(KERNEL, 0),
        }

    def sums(self, *, locks_files: bool) -> ProcessSums:
        """Return what their only process says; what it has not locked of the locked cache is ramfs."""
        locked = self.locked_anon + (self.locked_cache if locks_files else 0)
        return ProcessSums(listed=1, read=1, lazyfree_bytes=self.lazyfree, locked_bytes=locked)


KERNEL = ("kernel", "slab_reclaimable", "slab_unreclaimable", "kernel_stack", "pagetables", "percpu", "sock")
PAGES = st.builds(Pages, **{each.name: SIZES for each in fields(Pages)})


def known(pages: Pages, swap_devices: int, locked: str) -> Facts:
    stat = pages.stat(swap_devices=swap_devices)
    lists = ("active_anon", "inactive_anon", "active_file", "inactive_file", "unevictable")
    cgroup = Cgroup(path="/x", current_bytes=sum(stat[name] for name in lists), stat=stat)
    node = Node(name="n", cpus=1, page_size_bytes=NODE.page_size_bytes, swap_devices=swap_devices)
    sums = None if locked == "unread" else pages.sums(locks_files=locked == "all")
    return gather(cgroup, sums, node)


def truth(pages: Pages, told: set[str], *, swap_devices: int) -> dict[str, int]:
    """Return the bytes of each term; what dirty pages are too few to be told apart are in their cache's."""
    whole = {name: getattr(pages, name) for name in (each.name for each in fields(Pages)) if name in TERMS}
    if not swap_devices:
        whole["swap_cache"] = 0
    stat = pages.stat(swap_devices=swap_devices)
    most = min(stat["file_dirty"] + stat["file_writeback"], stat["file"] - stat["shmem"])
    for name, size in pages.unwritten.items():
        if name in told or most >= LEAST_UNWRITTEN_BYTES:
            whole[name] = size
        else:
            whole[name.removeprefix("unwritten_")] += size
    return whole


TERMS = frozenset(
    {
        *("anon", "locked_anon", "lazyfree", "swap_cache", "split_huge", "shmem", "pinned_shmem"),
        *("hot_cache", "cold_cache", "locked_cache"),
    }
)


whatever = given(PAGES, st.sampled_from([0, 1]), st.sampled_from(["unread", "private", "all"]))


@whatever
def test_the_truth_of_every_kind_of_page_is_in_its_interval(
    pages: Pages, swap_devices: int, locked: str
) -> None:
    composition = compose(known(pages, swap_devices, locked))
    terms = {term.term: term for term in (*composition.terms, *composition.left_out)}
    for name, size in truth(pages, set(terms), swap_devices=swap_devices).items():
        low, high = (terms[name].low_bytes, terms[name].high_bytes) if name in terms else (0, 0)
        assert low <= size <= high, (name, low, size, high)
    assert composition.residual.low_bytes <= 0 <= composition.residual.high_bytes
    assert composition.residual.within_bound


@whatever
def test_what_would_go_is_in_the_interval_of_what_is_said_to(
    pages: Pages, swap_devices: int, locked: str
) -> None:
    of_pages = known(pages, swap_devices, locked)
    composition = compose(of_pages)
    told = {term.term for term in (*composition.terms, *composition.left_out)}
    sizes = truth(pages, told, swap_devices=swap_devices)
    goes = reclaim(of_pages)
    assert (
        sum(sizes[name] for name in ("hot_cache", "cold_cache", "lazyfree", "split_huge")) in goes.droppable
    )
    assert sum(size for name, size in sizes.items() if name.startswith("unwritten")) in goes.once_written


@whatever
def test_a_kind_put_together_from_its_parts_has_its_truth(
    pages: Pages, swap_devices: int, locked: str
) -> None:
    terms = compose(known(pages, swap_devices, locked)).terms
    hot = pages.hot_cache + pages.unwritten["unwritten_hot_cache"] + pages.locked_cache
    assert pages.anon + pages.locked_anon in PRIVATE.joined(terms)
    assert pages.shmem + pages.pinned_shmem in SHMEM.joined(terms)
    assert hot in HOT_CACHE.joined(terms)
    assert pages.split_huge + (pages.swap_cache if swap_devices else 0) in DETACHED.joined(terms)


def unevictable(*without: str, **more: int) -> Facts:
    """Return facts of 10 bytes on the unevictable list, of 20 anonymous bytes and 4 of tmpfs."""
    names = {"stat__unevictable": 10, "stat__anon": 20, "stat__shmem": 4, "stat__file": 4, "lazyfree": 0}
    lists = {"stat__active_file": 0, "stat__inactive_file": 0}
    return facts(without, **names, **lists, **more)


def test_what_processes_have_locked_narrows_how_the_unevictable_list_is_shared() -> None:
    read = unevictable(procs__locked=7, procs__unread_rss=0)
    assert amount_of(locked_anon(read)) == Interval.of(6, 7, 7)
    assert amount_of(pinned_shmem(read)) == Interval.of(3, 4, 3)


@pytest.mark.parametrize(
    "partly", [{"procs__locked": 7, "procs__unread_rss": 1}, {"procs__locked": 7}, {"procs__unread_rss": 0}]
)
def test_what_only_some_processes_have_locked_narrows_nothing(partly: dict[str, int]) -> None:
    assert amount_of(locked_anon(unevictable(**partly))) == Interval.of(6, 10, 6)
    assert amount_of(pinned_shmem(unevictable(**partly))) == Interval.of(0, 4, 4)


@pytest.mark.parametrize("line", ["lazyfree", "stat.active_file", "stat.unevictable"])
def test_without_a_list_nothing_is_split(line: str) -> None:
    lacking = unevictable(line, stat__file_dirty=2 * MIB, stat__file_writeback=0)
    assert (locked_anon(lacking), pinned_shmem(lacking), locked_cache(lacking)) == (None, None, None)
    assert unwritten(lacking) == Unwritten(ZERO, ZERO)


def writing(*without: str, **more: int) -> Facts:
    """Return facts of 20 MiB of cache, 3 of them active, of which 5 are dirty and 8 under way."""
    names = {"stat__file": 20 * MIB, "stat__shmem": 0, "stat__inactive_file": 17 * MIB, "lazyfree": 0}
    lists = {"stat__active_file": 3 * MIB, "stat__unevictable": 0}
    dirty = {"stat__file_dirty": 5 * MIB, "stat__file_writeback": 8 * MIB}
    return facts(without, **{**names, **lists, **dirty, **more})


def test_what_is_written_out_is_cache_only_where_no_page_goes_to_swap() -> None:
    none = unwritten(writing(node__swap_devices=0))
    assert none.cold == Interval.of(5 * MIB, 13 * MIB, 13 * MIB)
    assert none.hot == Interval.of(0, 3 * MIB, 0)
    for swaps in (writing(node__swap_devices=1), writing()):
        assert unwritten(swaps).cold == Interval.of(2 * MIB, 13 * MIB, 13 * MIB)


def test_more_than_the_inactive_list_holds_is_elsewhere_and_no_more_than_there_is_cache() -> None:
    cold, hot = 2 * MIB, 18 * MIB
    found = unwritten(writing(stat__inactive_file=cold, stat__active_file=hot, node__swap_devices=0))
    assert found.hot == Interval.of(6 * MIB, 13 * MIB, 11 * MIB)
    all_of_it = unwritten(writing(stat__file_dirty=15 * MIB, node__swap_devices=0))
    assert (all_of_it.cold, all_of_it.hot) == (
        Interval.of(12 * MIB, 17 * MIB, 17 * MIB),
        Interval.of(0, 3 * MIB, 3 * MIB),
    )


def test_less_than_a_mebibyte_is_not_told_apart() -> None:
    few = {"stat__file_dirty": 0, "stat__file_writeback": MIB - 1}
    assert unwritten(writing(**few)) == Unwritten(ZERO, ZERO)
    assert unwritten(writing(**{**few, "stat__file_dirty": 1})).cold.estimate == MIB


@pytest.mark.parametrize("line", ["stat.file_dirty", "stat.file_writeback"])
def test_without_one_of_both_counters_nothing_is_called_unwritten(line: str) -> None:
    assert unwritten(writing(line)) == Unwritten(ZERO, ZERO)


def test_detached_memory_is_told_apart_by_its_counter_or_where_there_is_no_swap() -> None:
    assert tells_swap_cache(facts(stat__swapcached=0))
    assert tells_swap_cache(facts(node__swap_devices=0))
    assert not tells_swap_cache(facts(node__swap_devices=1))
    assert not tells_swap_cache(facts())
    assert swap_cache(facts(detached_anon=5, stat__swapcached=9)) == Interval.of(0, 5, 5)
    assert swap_cache(facts(detached_anon=5, node__swap_devices=0)) == ZERO


def amount_of(amount: Amount | None) -> Interval:
    assert amount is not None
    return amount.interval
