from typing import Any

import msgspec
import pytest

from memcollect.compare.gaps import RECORD, gaps
from memcollect.compare.inputs import Document
from memcollect.documents.run import PhaseRun, PhaseStatus, Planned, Settling
from memcollect.documents.snapshot import Missing
from worlds.compare_builders import MIB, evidence_of, good_pair, phase_run, run


def _gaps(document: Document) -> list[tuple[str, str]]:
    return [(gap.phase, gap.reason) for gap in gaps(document, "aio")]


def _with(*phases: PhaseRun, repeats: int = 1, steps: list[int] | None = None) -> Document:
    document = run("aio", {"empty": [MIB] * repeats}, phases=list(phases))
    assert document.manifest is not None
    plan = Planned(name="g", sha256="s", phases=["empty"], repeats=repeats, steps=steps or [])
    return msgspec.structs.replace(document, manifest=msgspec.structs.replace(document.manifest, plan=plan))


def test_a_whole_run_lacks_nothing() -> None:
    assert _gaps(run("aio", {"empty": [MIB] * 3, "after-bash": [MIB] * 3})) == []


def test_a_planned_repeat_that_is_not_there_is_missing() -> None:
    assert _gaps(_with(phase_run("empty", 1), repeats=2)) == [("empty", "1 of 2 planned repeats not there")]


def test_a_plan_of_absurdly_many_repeats_is_one_gap() -> None:
    document = run("aio", {"empty": [MIB]})
    assert document.manifest is not None
    plan = Planned(name="g", sha256="s", phases=["empty"] * 9, repeats=10**15)
    absurd = msgspec.structs.replace(document.manifest, plan=plan)
    assert len(_gaps(msgspec.structs.replace(document, manifest=absurd))) == 1


def test_a_step_that_is_not_there_is_missing() -> None:
    document = _with(phase_run("empty", 1, step=1), steps=[1, 50])
    assert _gaps(document) == [("empty", "1 of 1 planned repeats with 50 at once not there")]


@pytest.mark.parametrize(
    ("phase", "reason"),
    [
        (
            phase_run("empty", 1, status="timed-out", reason="no answer in 60 s", snapshots=[]),
            "repeat 1 has no snapshot (timed-out): no answer in 60 s",
        ),
        (phase_run("empty", 1, status="failed", reason="exit 1"), "repeat 1 ended as failed: exit 1"),
        (phase_run("empty", 1, snapshots=["gone.json"]), "repeat 1: a snapshot's file cannot be used"),
        (
            phase_run("empty", 1, missing=[Missing(kind="pod", name="p", reason="pending", detail="")]),
            "repeat 1: pod p (pending)",
        ),
    ],
)
def test_a_phase_that_went_wrong_is_missing_with_its_reason(phase: PhaseRun, reason: str) -> None:
    assert _gaps(_with(phase)) == [("empty", reason)]


def test_a_phase_of_so_many_at_once_has_as_many_pods() -> None:
    assert _gaps(_with(phase_run("empty", 1, step=2))) == [
        ("empty (2 at once)", "repeat 1: 1 of 2 pods are in its snapshot")
    ]


def test_a_snapshot_that_stands_for_another_phase_than_it_says_is_told() -> None:
    document = run("aio", {"empty": [MIB], "after-bash": [MIB]})
    (first, second) = document.snapshots
    exchanged = {first: document.snapshots[second], second: document.snapshots[first]}
    assert _gaps(msgspec.structs.replace(document, snapshots=exchanged)) == [
        ("empty", f"repeat 1: {first} says that it is of after-bash"),
        ("after-bash", f"repeat 1: {second} says that it is of empty"),
    ]


def test_a_run_that_was_broken_off_says_so() -> None:
    document = run("aio", {"empty": [MIB]}, finished_at=None)
    assert _gaps(document) == [
        ("the run", "runs/aio is unfinished; `memcollect profile --resume` goes on with it")
    ]


def test_a_phase_that_did_not_settle_is_there() -> None:
    assert _gaps(_with(phase_run("empty", 1, status="did-not-settle"))) == []


def test_a_phase_that_tries_the_backend_needs_no_snapshot_and_no_repeats() -> None:
    before, _ = good_pair()
    manifest = before.manifest
    assert manifest is not None
    planned = msgspec.structs.replace(manifest.plan, evidence=["evidence"])
    cases: list[tuple[PhaseStatus, list[str]]] = [("ok", []), ("failed", ["it ended as failed: Ctrl-C came"])]
    for status, expected in cases:
        tried = PhaseRun(phase="evidence", status=status, reason="Ctrl-C came" if expected else "")
        with_it = msgspec.structs.replace(manifest, plan=planned, phases=[*manifest.phases, tried])
        found = gaps(msgspec.structs.replace(before, manifest=with_it), "aio")
        assert [gap.reason for gap in found] == expected


def _as_told(document: Document, **changed: Any) -> Document:
    assert document.manifest is not None
    phases = [msgspec.structs.replace(each, **changed) for each in document.manifest.phases]
    manifest = msgspec.structs.replace(document.manifest, phases=phases)
    return msgspec.structs.replace(document, manifest=manifest)


def _taken(document: Document, **changed: Any) -> Document:
    snapshots = {path: msgspec.structs.replace(each, **changed) for path, each in document.snapshots.items()}
    return msgspec.structs.replace(document, snapshots=snapshots)


def test_what_a_snapshot_lacks_is_missing_though_the_run_does_not_say_so() -> None:
    missing = Missing(kind="pod", name="a/b", reason="no-agent", detail="its node has no agent")
    lacking = _taken(run("aio", {"empty": [MIB]}), missing=[missing])
    reason = "repeat 1: snapshots/empty-1.json lacks pod a/b (no-agent), which the run does not tell"
    assert _gaps(lacking) == [("empty", reason)]
    assert _gaps(_as_told(lacking, missing=[missing])) == [("empty", "repeat 1: pod a/b (no-agent)")]


@pytest.mark.parametrize(("moved", "told"), [(MIB, 1), (MIB - 1, 0), (None, 0)])
def test_memory_that_moved_more_than_the_rule_allows_had_not_come_to_rest(
    moved: int | None, told: int
) -> None:
    rest = Settling(settled=True, within_bytes=MIB, for_seconds=20.0, change_bytes=moved)
    found = _gaps(_as_told(run("aio", {"empty": [MIB]}), settling=rest))
    reason = "repeat 1: at rest, as it says, though memory had just moved by 1 MiB"
    assert found == [("empty", reason)] * told


def test_three_repeats_chosen_of_five_are_not_the_three_that_were_planned() -> None:
    phases = [phase_run("empty", repeat) for repeat in (1, 2, 3)]
    chosen = run(
        "aio", {"empty": [MIB] * 3}, phases=[msgspec.structs.replace(phases[2], repeat=5), *phases[:2]]
    )
    assert _gaps(chosen) == [(RECORD, "repeat 5 is there, and 3 were planned: of more, some were chosen")]


def test_repeats_of_one_moment_are_one() -> None:
    twice = _taken(run("aio", {"empty": [MIB] * 2}), captured_at="2026-01-01T00:00:00Z")
    assert _gaps(twice) == [(RECORD, "2 repeats of empty were taken at one moment, 2026-01-01T00:00:00Z")]


def test_evidence_of_another_run_is_none_of_this_one() -> None:
    tried = evidence_of("aio", run_id="run-of-yesterday")
    assert _gaps(run("aio", {"empty": [MIB]}, evidence=[tried])) == [
        ("the run's record", "its evidence is that of the run run-of-yesterday, and not of run-aio")
    ]
    assert _gaps(run("aio", {"empty": [MIB]}, evidence=[evidence_of("aio", run_id="run-aio")])) == []


def test_evidence_of_another_backend_in_the_runs_own_folder_is_told() -> None:
    document = run("aio", {"empty": [MIB]}, evidence=[evidence_of("cube")])
    assert _gaps(document) == [("the run's record", "its evidence is that of cube, and not of aio")]


def test_a_pod_or_a_node_that_stands_in_a_snapshot_twice_is_not_two() -> None:
    document = run("aio", {"empty": [MIB]})
    ((path, each),) = document.snapshots.items()
    assert _gaps(_taken(document, pods=[*each.pods, *each.pods], nodes=[*each.nodes, *each.nodes])) == [
        ("empty", f"repeat 1: {path} has the pod {each.pods[0].uid} more than once"),
        ("empty", f"repeat 1: {path} has the node {each.nodes[0].name} more than once"),
    ]


@pytest.mark.parametrize(
    ("asked", "waited", "told"), [(20.0, 5.0, 1), (0.0, 30.0, 1), (20.0, 20.0, 0), (20.0, None, 0)]
)
def test_nothing_comes_to_rest_in_less_time_than_its_rule_asks_for(
    asked: float, waited: float | None, told: int
) -> None:
    rest = Settling(settled=True, within_bytes=MIB, for_seconds=asked, waited_seconds=waited)
    assert len(_gaps(_as_told(run("aio", {"empty": [MIB]}), settling=rest))) == told
