"""One test per rule of what is charged; every amount can be checked by hand."""

import pytest

from memcollect.accounting import charge
from memcollect.accounting.facts import Facts, MissingFactError, gather
from memcollect.accounting.interval import Interval
from memcollect.accounting.rules import Amount
from memcollect_agent.wire import Cgroup, ProcessSums
from worlds.builders import MIB, NODE, QUIET_CURRENT, QUIET_STAT, facts

OLD_STAT = {
    key: value
    for key, value in QUIET_STAT.items()
    if key not in {"kernel", "pagetables", "sec_pagetables", "vmalloc"}
}
"""What 5.10 gives of the quiet container: no `kernel`, no page tables."""


def known(stat: dict[str, int] | None = None, sums: ProcessSums | None = None) -> Facts:
    return gather(Cgroup(path="/x", current_bytes=QUIET_CURRENT, stat=stat or QUIET_STAT), sums, NODE)


def estimate(amount: Amount | None) -> int:
    assert amount is not None
    return amount.interval.estimate


def test_private_memory_is_anon_without_what_was_given_back() -> None:
    amount = charge.anon_without_lazyfree(facts(stat__anon=100, lazyfree=(10, 30, 20)))

    assert amount.interval == Interval.of(70, 90, 80)
    assert amount.confidence == "bounded"


def test_hot_cache_is_page_cache_that_is_not_on_the_inactive_list() -> None:
    amount = charge.hot_cache(facts(stat__file=60, stat__shmem=10, stat__inactive_file=25, lazyfree=5))

    assert amount == Amount(Interval.exactly(30), "measured", amount.evidence)
    assert amount.evidence == "file 60 − shmem 10 − (inactive_file 25 − lazyfree 5)"


def test_an_uncertain_lazyfree_makes_hot_cache_an_interval_of_the_same_width() -> None:
    amount = charge.hot_cache(
        facts(stat__file=60, stat__shmem=10, stat__inactive_file=25, lazyfree=(0, 8, 5))
    )

    assert amount.interval == Interval.of(25, 33, 30)


def test_cold_cache_is_the_inactive_list_without_lazyfree() -> None:
    assert charge.cold_cache(facts(stat__inactive_file=25, lazyfree=5)).interval == Interval.exactly(20)


def test_detached_anon_shows_its_arithmetic() -> None:
    amount = charge.detached_anon(facts(detached_anon=7, lru=167, stat__anon=100, stat__file=60))

    assert amount.evidence == "LRU lists 167 − anon 100 − file 60"
    assert amount.interval == Interval.exactly(7)


def test_page_tables_are_those_of_the_processor_and_of_virtual_machines() -> None:
    assert estimate(charge.page_tables(facts(stat__pagetables=4, stat__sec_pagetables=3))) == 7


def test_where_memory_stat_has_no_page_tables_the_processes_tell_them() -> None:
    amount = charge.page_tables(facts(procs__page_tables=9))

    assert (estimate(amount), amount.confidence) == (9, "inferred")


def test_page_tables_that_nobody_tells_are_unknown() -> None:
    with pytest.raises(MissingFactError) as raised:
        charge.page_tables(facts())
    assert raised.value.name == "procs.page_tables"


def test_unnamed_kernel_memory_is_kernel_less_its_parts() -> None:
    assert charge.other_kernel(known()).interval == Interval.exactly(MIB)


def test_on_old_kernels_unnamed_kernel_memory_is_the_rest_of_the_charge_within_bookkeeping() -> None:
    amount = charge.other_kernel(known(OLD_STAT))

    # kernel 12 − slab 5 − stacks 1 − percpu 1: 4 MiB of page tables and 1 MiB without a name
    assert estimate(amount) == 5 * MIB
    assert amount.interval.low < 5 * MIB < amount.interval.high
    assert amount.confidence == "bounded"


def test_on_old_kernels_page_tables_that_processes_told_are_not_counted_twice() -> None:
    told = ProcessSums(listed=1, read=1, page_tables_bytes=4 * MIB)

    assert estimate(charge.other_kernel(known(OLD_STAT, told))) == MIB


@pytest.mark.parametrize("key", ["anon", "file", "sock"])
def test_on_old_kernels_the_rest_needs_every_other_part(key: str) -> None:
    stat = {name: value for name, value in OLD_STAT.items() if name != key}

    with pytest.raises(MissingFactError):
        charge.other_kernel(known(stat))


def test_a_kernel_that_itemises_nothing_leaves_kernel_memory_unknown() -> None:
    with pytest.raises(MissingFactError) as raised:
        charge.other_kernel(known({"anon": 1, "file": 1, "sock": 0}))
    assert raised.value.name == "stat.kernel"


@pytest.mark.parametrize("key", ["slab_reclaimable", "slab_unreclaimable", "kernel_stack", "sock"])
def test_a_counter_of_every_kernel_is_its_value_or_unknown(key: str) -> None:
    rule = next(rule for rule in charge.KERNEL_RULES if rule.term == key)

    assert estimate(rule.amount(known())) == QUIET_STAT[key]
    with pytest.raises(MissingFactError) as raised:
        rule.amount(facts())
    assert raised.value.name == f"stat.{key}"


@pytest.mark.parametrize("key", ["percpu", "vmalloc", "zswap", "hugetlb"])
def test_a_counter_of_newer_kernels_is_its_value_or_does_not_apply(key: str) -> None:
    rule = next(rule for rule in charge.KERNEL_RULES if rule.term == key)

    assert estimate(rule.amount(known({**QUIET_STAT, key: 3}))) == 3
    assert rule.amount(facts()) is None


def test_the_kernel_terms_sum_to_kernel_and_sock() -> None:
    amounts = [rule.amount(known()) for rule in charge.KERNEL_RULES]

    assert sum(estimate(each) for each in amounts if each is not None) == 17 * MIB


@pytest.mark.parametrize(
    "known", [{"stat__hugetlb": 6, "hugetlb": 6}, {"hugetlb_charged": 1, "hugetlb": 6}, {"hugetlb": 6}]
)
def test_huge_pages_are_in_the_charge_or_beside_it_and_never_both(known: dict[str, int]) -> None:
    charged, beside = (each(facts((), **known)) for each in (charge.hugetlb_charged, charge.hugetlb_beside))
    assert (charged is None) != (beside is None)
    assert estimate(charged or beside) == 6
    assert (beside is not None) == (known == {"hugetlb": 6})


def test_huge_pages_that_only_processes_tell_may_all_be_the_same_ones() -> None:
    amount = charge.huge_pages(facts(procs__hugetlb=7, procs__read=3))
    assert amount is not None
    assert amount.interval == Interval.of(3, 7, 7)
    assert charge.huge_pages(facts()) is None


def test_what_is_in_swap_is_its_counter_or_does_not_apply() -> None:
    assert estimate(charge.swapped_out(facts(swap__current=5))) == 5
    assert charge.swapped_out(facts()) is None


DETACHED = (charge.unnamed_detached, charge.detached_swap_cache, charge.split_huge)


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ({"detached_anon": 7, "stat__swapcached": 3}, [None, Interval.of(0, 3, 3), Interval.of(4, 7, 4)]),
        ({"detached_anon": 7, "node__swap_devices": 0}, [None, Interval.exactly(0), Interval.exactly(7)]),
        ({"detached_anon": 7, "node__swap_devices": 1}, [Interval.exactly(7), None, None]),
        ({"detached_anon": 0, "stat__swapcached": 3}, [None, None, None]),
    ],
)
def test_detached_memory_has_one_name_or_two_and_no_byte_of_it_both(
    known: dict[str, int], told: list[Interval | None]
) -> None:
    amounts = [each(facts((), lru=7, stat__anon=0, stat__file=0, **known)) for each in DETACHED]
    assert [each and each.interval for each in amounts] == told


def test_records_of_a_caches_blocks_are_by_the_smallest_block_there_may_be() -> None:
    assert charge.most_buffer_heads(64 * MIB) == charge.most_buffer_heads(64 * MIB, 1024) == 65536 * 104
    assert charge.most_buffer_heads(64 * MIB, 4096) == 16384 * 104
    assert charge.most_buffer_heads(-1) == 0


def test_on_old_kernels_what_is_within_bookkeeping_may_be_no_memory_at_all_and_never_less() -> None:
    stat = dict.fromkeys(OLD_STAT, 0)
    amount = charge.other_kernel(gather(Cgroup(path="/x", current_bytes=4096, stat=stat), None, NODE))
    assert amount.interval.low == 0
    assert amount.interval.estimate == 4096
    less = charge.other_kernel(
        gather(Cgroup(path="/x", current_bytes=0, stat={**stat, "sock": 1}), None, NODE)
    )
    assert (less.interval.low, less.interval.estimate) == (0, 0)
