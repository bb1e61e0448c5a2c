import pytest

from memcollect.compare.cells import Group, cell, deltas, group, phase_order
from memcollect.compare.inputs import Document, observations
from memcollect.compare.model import Capacity, PhaseKey
from memcollect.documents.run import PhaseRun
from memcollect.documents.snapshot import Pod
from worlds import compare_builders as build
from worlds.compare_builders import MIB


def _groups(*documents: Document) -> dict[tuple[str, PhaseKey], Group]:
    return group((document.name, each) for document in documents for each in observations(document))


def test_n_counts_repeats_and_never_pods() -> None:
    pods = [build.pod(MIB, f"p{index}") for index in range(50)]
    (found,) = _groups(build.document(build.snapshot(*pods), "a.json")).values()
    one = cell(found)
    assert (one.repeats, one.pods) == (1, [50])
    working_set = one.measure("working_set")
    assert working_set is not None
    assert working_set.spread is not None
    assert working_set.spread.n == 1


def capacity_of(*repeats: list[Pod]) -> Capacity | None:
    """Return the capacity of one backend's snapshots of these pods, a repeat each."""
    documents = [build.document(build.snapshot(*pods), f"{n}.json") for n, pods in enumerate(repeats)]
    observed = [("aio", each) for document in documents for each in observations(document)]
    (found,) = group(observed).values()
    return cell(found).capacity


def test_of_all_pods_the_sum_of_each_repeat_is_told_and_the_largest_of_any() -> None:
    first = [build.pod(size * MIB, f"a{size}") for size in (10, 20, 90)]
    second = [build.pod(size * MIB, f"b{size}") for size in (30, 40)]
    found = capacity_of(first, second)
    assert found is not None
    assert found.metric == "working_set"
    assert found.total.values_bytes == [70 * MIB, 120 * MIB]
    assert found.largest_bytes == 90 * MIB


def test_of_repeats_that_measured_nothing_and_of_pods_that_are_there_twice_there_is_no_sum() -> None:
    found = capacity_of([build.pod(MIB)], [])
    assert found is not None
    assert found.total.values_bytes == [MIB]
    assert capacity_of([]) is None
    assert capacity_of([build.pod(MIB), build.pod(2 * MIB)]) is None, "one pod, twice"


def test_several_snapshots_of_one_phase_are_one_repeat() -> None:
    both = [build.path_of("empty", 1), "snapshots/second.json"]
    document = build.run("aio", {"empty": [10 * MIB]}, phases=[build.phase_run("empty", 1, snapshots=both)])
    snapshots = {**document.snapshots, both[1]: build.snapshot(build.pod(20 * MIB))}
    document = Document(name="a", sha256="a", manifest=document.manifest, snapshots=snapshots)
    (found,) = _groups(document).values()
    one = cell(found)
    spread = next(each.spread for each in one.measures if each.metric == "working_set")
    assert one.repeats == 1
    assert spread is not None
    assert spread.values_bytes == [15 * MIB]


def test_a_repeat_in_which_nothing_was_measured_is_a_repeat_without_a_number() -> None:
    document = build.run("aio", {"empty": [10 * MIB, 11 * MIB]})
    empty = {**document.snapshots, build.path_of("empty", 2): build.snapshot()}
    (found,) = _groups(Document(name="a", sha256="a", manifest=document.manifest, snapshots=empty)).values()
    one = cell(found)
    assert (one.repeats, one.pods) == (2, [0, 1])
    assert one.measures[0].spread is not None
    assert one.measures[0].spread.n == 1


def test_how_a_phase_ended_is_counted() -> None:
    phases: list[PhaseRun] = [
        build.phase_run("empty", 1),
        build.phase_run("empty", 2, status="did-not-settle"),
    ]
    (found,) = _groups(build.run("aio", {"empty": [MIB, MIB]}, phases=phases)).values()
    assert cell(found).statuses == {"did-not-settle": 1, "ok": 1}


def test_how_often_a_released_sandbox_came_back_as_the_same_pod_is_counted() -> None:
    phases = [build.phase_run("empty", index, same_pod=same) for index, same in ((1, True), (2, False))]
    (found,) = _groups(build.run("aio", {"empty": [MIB, MIB]}, phases=phases)).values()
    assert (cell(found).reused, cell(found).reuses) == (1, 2)


def test_phases_stand_as_the_plan_has_them_and_the_others_by_time() -> None:
    run = build.run("aio", {"zeta": [MIB], "alpha": [MIB]})
    late = build.snapshot(build.pod(MIB), sample="first-by-name", captured_at="2026-01-02T00:00:00Z")
    early = build.snapshot(build.pod(MIB), sample="last-by-name", captured_at="2026-01-01T00:00:00Z")
    documents = [build.document(late, "l"), build.document(early, "e"), run]
    observed = [each for document in documents for each in observations(document)]
    assert [key.name for key in phase_order(observed)] == ["zeta", "alpha", "last-by-name", "first-by-name"]


@pytest.mark.parametrize(
    ("early", "late"),
    [
        ("2026-01-01T03:00:00+04:00", "2026-01-01T00:00:00+00:00"),  # later as words
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z"),  # likewise: "Z" sorts after "."
        ("2026-01-01T00:00:00.9Z", "2026-01-01T00:00:01Z"),
    ],
)
def test_times_are_held_against_each_other_as_times_however_they_are_written(early: str, late: str) -> None:
    documents = [
        build.document(build.snapshot(build.pod(MIB), sample=sample, captured_at=when), sample)
        for sample, when in (("a-late", late), ("z-early", early))
    ]
    observed = [each for document in documents for each in observations(document)]
    assert [key.name for key in phase_order(observed)] == ["z-early", "a-late"]


def test_steps_of_a_phase_stand_by_their_number() -> None:
    steps = [build.phase_run("concurrent", 1, step=step) for step in (100, 10, 50)]
    found = phase_order(observations(build.run("aio", {"concurrent": [MIB]}, phases=steps)))
    assert [key.step for key in found] == [10, 50, 100]


def test_a_metric_that_one_repeat_lacks_has_no_difference() -> None:
    document = build.run("aio", {"empty": [MIB, MIB]})
    silent = {
        **document.snapshots,
        build.path_of("empty", 2): build.snapshot(build.pod(MIB, top=None)),
    }
    partly = Document(name="b", sha256="b", manifest=document.manifest, snapshots=silent)
    one, other = (cell(each) for each in _groups(document, partly).values())
    top = next(each for each in deltas(one, other) if each.metric == "top")
    assert top.difference is None
    assert "1 of 2 repeats: kubectl top was not asked" in top.reason
