"""From the pod's own cgroup to its app containers."""

import pytest

from memcollect.accounting.facts import Facts
from memcollect.accounting.interval import Interval
from memcollect.accounting.rules import Amount, evaluate
from memcollect.accounting.steps import dead
from worlds.builders import PAGE, facts

POD: dict[str, int | tuple[int, int, int]] = {
    "stat__anon": 100,
    "stat__file": 300,
    "stat__shmem": 200,
    "children__anon": 90,
    "children__file": 100,
    "children__shmem": 50,
    "kernel_counted": 40,
    "children__kernel": 30,
    "pause": 7,
    "monitors": 0,
    "other_children": 3,
    "sandbox": 0,
    "own__processes": 0,
    "dying": 1,
}


def known(without: str = "", **changed: int) -> Facts:
    return facts(without, **{**POD, **changed})


def sizes(given: Facts) -> dict[str, int]:
    terms, _ = evaluate(dead.RULES, given)
    return {term.term: term.estimate_bytes for term in terms}


def test_what_no_child_holds_was_left_behind_and_comes_off() -> None:
    assert sizes(known()) == {"pause": -7, "other_children": -3, "dead_containers": -210, "own_kernel": -10}


def test_the_evidence_tells_tmpfs_from_the_rest() -> None:
    amount = dead.dead_containers(known())

    assert amount is not None
    assert amount.evidence == "pod − Σ children: anon 10, file 200 (of it shmem 150); nr_dying_descendants 1"


def test_pages_of_processes_in_the_pods_own_cgroup_are_theirs_and_not_a_dead_containers() -> None:
    given = known(own__processes=2)

    assert dead.dead_containers(given) is None
    amount = dead.pod_processes(given)
    assert amount is not None
    assert (amount.interval, amount.confidence) == (Interval.exactly(-210), "inferred")


def test_children_that_seem_to_hold_more_than_the_pod_leave_nothing_dead() -> None:
    given = known(children__anon=900, children__kernel=900)

    assert "dead_containers" not in sizes(given)
    assert "own_kernel" not in sizes(given)


@pytest.mark.parametrize(
    ("missing", "terms"),
    [
        ("stat.anon", {"dead_containers"}),
        ("children.file", {"dead_containers"}),
        ("children.kernel", {"own_kernel"}),
        ("kernel_counted", {"own_kernel"}),
        ("pause", {"pause"}),
        ("monitors", {"monitors"}),
        ("other_children", {"other_children"}),
        ("sandbox", {"sandbox"}),
        ("own.processes", {"dead_containers", "pod_processes"}),
    ],
)
def test_a_missing_fact_leaves_its_term_open(missing: str, terms: set[str]) -> None:
    _, undecided = evaluate(dead.RULES, known(missing))

    assert {item.name for item in undecided} == terms
    assert {item.missing for item in undecided} == {missing}


def test_a_kernel_that_does_not_count_dying_cgroups_still_tells_the_amount() -> None:
    assert sizes(known("dying"))["dead_containers"] == -210


def test_the_bound_allows_for_what_moved_while_cgroups_were_read_in_turn() -> None:
    bound = dead.bound(facts(node__cpus=2, node__page_size=PAGE, cgroups=3, moved=50))

    stale = 128 * 2 * PAGE * 3
    assert bound.interval == Interval.of(-stale - 50, stale + 50, 0)


def test_what_the_pod_has_in_swap_beyond_its_containers_was_left_behind() -> None:
    given = known(swap__current=400, children__swap=150)

    amount = dead.dead_swap(given)
    assert amount is not None
    assert amount.interval == Interval.exactly(250)
    assert dead.dead_swap(known(swap__current=400)) is None, "a container's is not known"
    assert dead.dead_swap(known(swap__current=400, children__swap=150, own__processes=1)) is None


def test_kernel_memory_that_no_child_holds_is_told_by_what_goes_and_what_stays() -> None:
    given = known(stat__slab_reclaimable=39, children__slab_reclaimable=32)

    assert dead.dead_slab(given) == Amount(
        Interval.exactly(-7), "measured", "pod − Σ children: slab_reclaimable 7"
    )
    kept = dead.kept_kernel(given)
    assert kept is not None
    assert (kept.interval, kept.evidence) == (
        Interval.exactly(-3),
        "pod − Σ children: kernel 10, without slab_reclaimable 7",
    )


def test_kernel_memory_of_a_pod_in_which_processes_live_is_not_called_left_behind() -> None:
    given = known(stat__slab_reclaimable=39, children__slab_reclaimable=32, own__processes=1)

    assert dead.dead_slab(given) is None
    assert dead.kept_kernel(given) is None
