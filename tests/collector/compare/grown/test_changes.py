from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from memcollect.compare import Document
from memcollect.compare.grown.changes import growth_of
from memcollect.compare.growth import Growth
from memcollect.documents.snapshot import Pod, Scope
from worlds.compare_builders import MIB, NODE, document, pod, process, snapshot

LATER = "2026-01-01T00:10:00Z"


def between(before: list[Pod], after: list[Pod], **more: Any) -> Growth | None:
    return growth_of(
        [
            document(snapshot(*before, sample="before", **more), "before.json"),
            document(snapshot(*after, sample="after", captured_at=LATER, **more), "after.json"),
        ]
    )


def growth(before: list[Pod], after: list[Pod], **more: Any) -> Growth:
    found = between(before, after, **more)
    assert found is not None
    return found


def test_the_largest_change_comes_first_and_the_term_that_made_it_first_in_it() -> None:
    found = growth(
        [pod(100 * MIB, "a"), pod(50 * MIB, "b", cache=MIB)],
        [pod(104 * MIB, "a"), pod(51 * MIB, "b", cache=90 * MIB)],
    )
    assert [(each.pod, each.working_set_change_bytes) for each in found.pods] == [
        ("deer-flow/b", 90 * MIB),
        ("deer-flow/a", 4 * MIB),
    ]
    first = found.pods[0]
    assert (first.terms[0].term, first.terms[0].change_bytes) == ("hot_cache", 89 * MIB)
    assert first.charge_change_bytes == 90 * MIB
    assert found.seconds == 600


def of_cluster(name: str, uid: str, boot_id: str | None = None, captured_at: str = LATER) -> Document:
    node = msgspec.structs.replace(NODE, boot_id=boot_id)
    taken = snapshot(pod(MIB, uid=uid), cluster=name, node=node, captured_at=captured_at)
    return document(taken, f"{name}-{uid}.json")


def test_a_pod_of_that_name_in_another_cluster_is_another_one() -> None:
    first = of_cluster("prod", "1", captured_at="2026-01-01T00:00:00Z")
    assert growth_of([first, of_cluster("staging", "2")]) is None
    assert growth_of([first, of_cluster("staging", "1")]) is not None, "a UID is one everywhere"
    assert growth_of([first, of_cluster("", "2")]) is not None, "nothing says that it is another"


def test_a_cluster_that_has_two_names_is_known_by_its_nodes() -> None:
    first = of_cluster("prod", "1", "b00", captured_at="2026-01-01T00:00:00Z")
    assert growth_of([first, of_cluster("admin@prod", "2", "b00")]) is not None
    assert growth_of([first, of_cluster("staging", "2", "b01")]) is None


@given(
    st.lists(
        st.tuples(*[st.integers(0, 1 << 40)] * 6),
        min_size=1,
        max_size=4,
    )
)
def test_terms_and_residual_sum_to_the_change_whatever_the_numbers(sizes: list[tuple[int, ...]]) -> None:
    before = [pod(a, f"p{i}", shmem=s, cache=c) for i, (a, s, c, *_) in enumerate(sizes)]
    after = [pod(a, f"p{i}", shmem=s, cache=c) for i, (*_, a, s, c) in enumerate(sizes)]
    for each in growth(before, after).pods:
        assert sum(term.change_bytes or 0 for term in each.terms) == each.working_set_change_bytes


def test_processes_are_told_by_name_and_number_where_both_snapshots_list_them() -> None:
    before = [pod(100 * MIB, processes=[process("python3", 7, 40 * MIB), process("node", 8, MIB)])]
    pythons = [process("python3", 7, 60 * MIB), process("python3", 9, 40 * MIB)]
    after = [pod(160 * MIB, processes=[*pythons, process("node", 8, MIB)])]
    found = growth(before, after).pods[0]
    assert [(e.name, e.count_before, e.count_after, e.change_bytes) for e in found.processes] == [
        ("python3", 1, 2, 60 * MIB)
    ]
    assert found.processes_whole
    unlisted = growth(before, after, scope=Scope(processes=False)).pods[0]
    assert (unlisted.processes, unlisted.processes_whole) == ([], False)


def test_a_process_without_pss_makes_its_names_change_unknown_and_not_nought() -> None:
    before = [pod(MIB, processes=[process("python3", 7, None)])]
    after = [pod(MIB, processes=[process("python3", 7, None), process("python3", 8, MIB)])]
    found = growth(before, after).pods[0]
    assert [(e.count_after, e.change_bytes) for e in found.processes] == [(2, None)]


def test_a_pod_that_was_not_measured_has_a_reason_and_comes_last() -> None:
    blind = pod(MIB, "blind", containers=[], cgroup=None)
    found = growth([pod(MIB, "a"), blind], [pod(9 * MIB, "a"), blind])
    assert [(each.pod, each.working_set_change_bytes) for each in found.pods] == [
        ("deer-flow/a", 8 * MIB),
        ("deer-flow/blind", None),
    ]
    assert found.pods[1].reason == "before: it was not measured"


def test_the_earlier_snapshot_is_before_in_whatever_order_they_are_named() -> None:
    early = document(snapshot(pod(MIB)), "x.json")
    late = document(snapshot(pod(3 * MIB), captured_at=LATER), "y.json")
    for order, is_reversed in (([early, late], False), ([late, early], True)):
        found = growth_of(order)
        assert found is not None
        assert (found.before, found.after, found.given_reversed) == ("x.json", "y.json", is_reversed)
        assert found.pods[0].working_set_change_bytes == 2 * MIB


def test_other_backends_labels_and_more_documents_are_no_two_moments() -> None:
    one = snapshot(pod(MIB, "a"))
    assert between([pod(MIB, "a")], [pod(MIB, "b")]) is None
    assert growth_of([document(one, "x", "aio"), document(one, "y", "cube")]) is None
    assert growth_of([document(one, name) for name in "xyz"]) is None
    empty: list[Document] = []
    assert growth_of(empty) is None
