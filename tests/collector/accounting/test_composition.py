import pytest

from memcollect.accounting.composition import RULES, combine, compose, weakest, working_set_bytes
from memcollect.accounting.facts import MissingFactError, gather
from memcollect.documents.snapshot import Composition
from memcollect_agent.wire import Cgroup
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


def test_a_sum_is_as_sure_as_its_least_sure_part() -> None:
    assert weakest(["measured", "inferred", "bounded"]) == "inferred"
    assert weakest([]) == "measured"
