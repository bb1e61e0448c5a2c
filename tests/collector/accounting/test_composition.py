from collections.abc import Sequence

import msgspec
import pytest

from memcollect.accounting.composition import RULES, combine, compose, weakest, working_set_bytes
from memcollect.accounting.facts import MissingFactError, gather
from memcollect.documents.snapshot import Composition, Term
from memcollect_agent.wire import Cgroup, Swap
from worlds.builders import MIB, NODE, QUIET_CURRENT, QUIET_STAT, QUIET_SUMS, cgroup


def composed(stat: dict[str, int] | None = None, current: int = QUIET_CURRENT) -> Composition:
    return compose(gather(cgroup(current, stat), QUIET_SUMS, NODE))


def without(key: str) -> Composition:
    stat = {name: value for name, value in QUIET_STAT.items() if name != key}
    return compose(gather(Cgroup(path="/x", current_bytes=QUIET_CURRENT, stat=stat), QUIET_SUMS, NODE))


def sizes(composition: Composition) -> dict[str, int]:
    return {term.term: term.estimate_bytes // MIB for term in composition.terms}


def test_a_quiet_container_is_named_to_the_byte() -> None:
    composition = composed()

    assert composition.working_set_bytes == 157 * MIB
    assert sizes(composition) == {
        "anon": 100,
        "shmem": 10,
        "hot_cache": 30,
        "slab_reclaimable": 3,
        "slab_unreclaimable": 2,
        "kernel_stack": 1,
        "page_tables": 4,
        "percpu": 1,
        "other_kernel": 1,
        "sock": 5,
    }
    assert composition.residual.estimate_bytes == 0
    assert composition.residual.within_bound


def test_what_no_counter_names_is_the_residual() -> None:
    composition = composed(current=QUIET_CURRENT + 30 * MIB)

    assert composition.residual.estimate_bytes == 30 * MIB
    assert not composition.residual.within_bound


@pytest.mark.parametrize(
    ("key", "terms"),
    [
        ("anon", {"anon", "detached_anon", "hot_cache"}),
        ("shmem", {"anon", "shmem", "hot_cache"}),
        ("file", {"anon", "detached_anon", "hot_cache"}),
        ("unevictable", {"anon", "detached_anon", "hot_cache"}),
        ("slab_reclaimable", {"slab_reclaimable"}),
        ("slab_unreclaimable", {"slab_unreclaimable"}),
        ("kernel_stack", {"kernel_stack"}),
        ("pagetables", {"page_tables"}),
        ("sock", {"sock"}),
    ],
)
def test_a_missing_line_makes_the_terms_that_need_it_undecided(key: str, terms: set[str]) -> None:
    composition = without(key)

    assert {item.name for item in composition.undecided} == terms
    assert all(
        key in f"{item.missing} {item.reason}" or key == "pagetables" for item in composition.undecided
    )


@pytest.mark.parametrize("missing", ["current", "inactive_file"])
def test_without_a_working_set_there_is_no_composition(missing: str) -> None:
    stat = {name: value for name, value in QUIET_STAT.items() if name != missing}
    current = None if missing == "current" else QUIET_CURRENT

    with pytest.raises(MissingFactError, match=missing):
        compose(gather(Cgroup(path="/x", current_bytes=current, stat=stat), None, NODE))


def test_a_working_set_is_never_below_zero() -> None:
    assert working_set_bytes(gather(cgroup(5, {"inactive_file": 9}), None, NODE)) == 0


def test_a_node_that_told_nothing_costs_no_container_its_composition() -> None:
    assert compose(gather(cgroup(), QUIET_SUMS, None)).working_set_bytes == 157 * MIB


def test_composed_parts_add_up_and_keep_the_rules_order() -> None:
    one, two = composed(), composed({"sock": 6 * MIB}, QUIET_CURRENT + 2 * MIB)
    both = combine([one, two])

    assert both.working_set_bytes == one.working_set_bytes + two.working_set_bytes
    assert both.residual.estimate_bytes == MIB
    assert sizes(both)["sock"] == 11
    order = [rule.term for rule in RULES]
    assert [order.index(term.term) for term in both.terms] == sorted(order.index(t.term) for t in both.terms)
    assert both.residual.bound_high_bytes == 2 * one.residual.bound_high_bytes
    assert both.residual.bound_low_bytes == 2 * one.residual.bound_low_bytes


def test_a_hole_in_one_part_is_a_hole_of_the_whole() -> None:
    hole = composed(current=QUIET_CURRENT + 30 * MIB)
    excess = composed(current=QUIET_CURRENT - 30 * MIB)

    both = combine([hole, excess])
    assert both.residual.estimate_bytes == 0
    assert not both.residual.within_bound


def test_what_is_undecided_in_one_part_is_undecided_in_the_whole_and_its_bytes_are_in_the_residual() -> None:
    both = combine([composed(), without("sock")])

    assert [item.name for item in both.undecided] == ["sock"]
    assert "sock" not in sizes(both)
    assert (
        sum(term.estimate_bytes for term in both.terms) + both.residual.estimate_bytes
        == both.working_set_bytes
    )
    assert both.residual.estimate_bytes >= 5 * MIB


def uncertain(locked: int, more: int = 0) -> Composition:
    """Return what is made of a container whose lazyfree and locked memory are intervals."""
    stat = {"unevictable": locked, "inactive_file": 21 * MIB + more, "swapcached": 0}
    with_swap = msgspec.structs.replace(NODE, swap_devices=1)
    beside = {"swap": Swap(current_bytes=3 * MIB), "hugetlb": {"2MB": 4 * MIB}}
    facts = gather(cgroup(QUIET_CURRENT, stat, **beside), None, with_swap)
    return compose(facts.extended({"swap.current": 3 * MIB, "hugetlb": 4 * MIB, "procs.block": 4096 + more}))


def ends(terms: Sequence[Term]) -> dict[str, tuple[int, int, int]]:
    return {term.term: (term.low_bytes, term.estimate_bytes, term.high_bytes) for term in terms}


def test_each_part_of_a_pod_is_the_sum_of_its_containers_low_estimate_and_high() -> None:
    one, two = uncertain(2 * MIB), uncertain(3 * MIB, more=1)
    both = combine([one, two])
    for part in ("terms", "left_out", "beside"):
        told = [ends(getattr(each, part)) for each in (one, two)]
        names = {*told[0], *told[1]}
        assert ends(getattr(both, part)) == {
            name: tuple(map(sum, zip(*(each.get(name, (0, 0, 0)) for each in told), strict=True)))
            for name in names
        }
        fates = {term.term: term.reclaimable for each in (one, two) for term in getattr(each, part)}
        assert {term.term: term.reclaimable for term in getattr(both, part)} == fates
    assert {"lazyfree", "cold_cache"} <= ends(both.left_out).keys()
    assert {"swap", "hugetlb"} == ends(both.beside).keys()
    assert any(low < high for low, _, high in ends(both.terms).values())


def test_the_sum_of_one_is_the_one() -> None:
    assert combine([uncertain(2 * MIB)]) == uncertain(2 * MIB)


def test_a_term_of_one_container_keeps_its_evidence_and_one_of_several_says_how_many() -> None:
    both = combine([uncertain(2 * MIB), composed({"zswap": 5})])
    evidence = {term.term: term.evidence for term in both.terms}
    assert evidence["zswap"] == "memory.stat zswap 5"
    assert evidence["sock"] == "sum over 2 containers"


def test_a_pods_swap_room_and_block_are_known_where_its_containers_agree_or_all_tell() -> None:
    one, larger = uncertain(0), uncertain(0, more=1)
    assert one.swap_room != "unknown"
    both = combine([larger, one])
    assert (both.swap_room, both.block_bytes) == (one.swap_room, 4096)
    other = msgspec.structs.replace(one, swap_room="unknown", block_bytes=None)
    both = combine([one, other])
    assert (both.swap_room, both.block_bytes) == ("unknown", None)


def test_what_is_undecided_in_the_sum_alone_is_a_hole_though_each_part_is_within_its_bound() -> None:
    stat = {name: value for name, value in QUIET_STAT.items() if name != "sock"}
    without_sockets = Cgroup(path="/x", current_bytes=QUIET_CURRENT - QUIET_STAT["sock"], stat=stat)
    parts = [composed(), compose(gather(without_sockets, QUIET_SUMS, NODE))]
    assert all(each.residual.within_bound for each in parts)
    both = combine(parts)
    assert (both.residual.estimate_bytes, both.residual.within_bound) == (QUIET_STAT["sock"], False)


def test_a_sum_is_as_sure_as_its_least_sure_part() -> None:
    assert weakest(["measured", "inferred", "bounded"]) == "inferred"
    assert weakest([]) == "measured"
