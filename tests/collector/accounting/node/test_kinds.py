import msgspec
from hypothesis import given
from hypothesis import strategies as st

from memcollect.accounting.node.facts import node_facts
from memcollect.accounting.node.kinds import kinds
from memcollect.documents.snapshot import Partition
from worlds.node_builders import MIB, NODE, Made

AMOUNT = st.integers(0, 1 << 36)


def taken_apart(made: Made) -> Partition:
    return kinds(node_facts(made.account(), NODE))


def amounts(partition: Partition) -> dict[str, int]:
    return {term.term: term.estimate_bytes for term in partition.terms}


def test_every_use_of_memory_is_found_with_the_size_it_was_made_with() -> None:
    found = amounts(taken_apart(Made(hugetlb=64 * MIB)))

    assert found == {
        "free": (8192 + 4) * MIB,
        "active_cache": 600 * MIB,
        "inactive_cache": 200 * MIB,
        "anon": 410 * MIB,
        "shmem": 40 * MIB,
        "slab_reclaimable": 50 * MIB,
        "slab_unreclaimable": 30 * MIB,
        "kernel_stack": 5 * MIB,
        "page_tables": 7 * MIB,
        "percpu": 2 * MIB,
        "vmalloc": 7 * MIB,
        "kernel_direct": 20 * MIB,
        "hugetlb": 64 * MIB,
    }


def test_a_driver_s_pages_are_an_inference_and_the_rest_closes() -> None:
    partition = taken_apart(Made(direct=700 * MIB))

    (direct,) = [term for term in partition.terms if term.term == "kernel_direct"]
    assert (direct.estimate_bytes, direct.confidence) == (700 * MIB, "inferred")
    assert partition.residual.within_bound
    assert partition.undecided == []


def test_thread_stacks_in_vmalloc_areas_widen_the_interval_and_do_not_count_twice() -> None:
    partition = taken_apart(Made(vmalloc=12 * MIB, kernel_stack=5 * MIB))

    (vmalloc,) = [term for term in partition.terms if term.term == "vmalloc"]
    assert (vmalloc.low_bytes, vmalloc.high_bytes, vmalloc.confidence) == (7 * MIB, 12 * MIB, "bounded")


def test_counters_that_say_more_than_there_is_leave_a_residual_outside_its_bound() -> None:
    made = Made()
    account = made.account()
    meminfo = made.meminfo() | {"SUnreclaim": made.slab_unreclaimable + 900 * MIB}
    tree = msgspec.structs.replace(account.tree, meminfo=meminfo, meminfo_again=meminfo)
    partition = kinds(node_facts(msgspec.structs.replace(account, tree=tree), NODE))

    assert partition.residual.estimate_bytes == -880 * MIB
    assert not partition.residual.within_bound


def test_a_line_that_the_kernel_does_not_have_is_undecided_and_never_zero() -> None:
    made = Made()
    account = made.account()
    meminfo = made.meminfo()
    del meminfo["SUnreclaim"]
    tree = msgspec.structs.replace(account.tree, meminfo=meminfo)
    partition = kinds(node_facts(msgspec.structs.replace(account, tree=tree), NODE))

    assert {each.name for each in partition.undecided} == {"slab_unreclaimable", "kernel_direct"}
    assert "slab_unreclaimable" not in amounts(partition)
    assert partition.residual.estimate_bytes == 50 * MIB
    assert "no such line" in partition.undecided[0].reason


@given(st.builds(Made, **dict.fromkeys(("free", "pod_anon", "pod_shmem", "direct", "hugetlb"), AMOUNT)))
def test_terms_and_residual_are_memtotal_whatever_it_is(made: Made) -> None:
    partition = taken_apart(made)

    assert sum(amounts(partition).values()) + partition.residual.estimate_bytes == partition.whole_bytes
    assert partition.whole_bytes == made.total
    assert partition.residual.within_bound
