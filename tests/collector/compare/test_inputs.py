import msgspec
import pytest

from memcollect.compare.inputs import Document, Grouping, backend_names, observations, workload_trail
from memcollect.compare.model import PhaseKey
from memcollect.documents.snapshot import Runtime, Snapshot
from worlds import compare_builders as build
from worlds.compare_builders import MIB


def _snapshot(sample: str = "empty", family: str = "runc") -> Snapshot:
    return build.snapshot(build.pod(MIB, runtime=Runtime(family=family)), sample=sample)


def _two(label: str | None = None, **second: str) -> list[Document]:
    return [
        build.document(_snapshot(), "a.json", label),
        build.document(_snapshot(**second), "b.json", label and f"not {label}"),
    ]


@pytest.mark.parametrize(
    ("documents", "by", "names"),
    [
        (_two("x", family="kata"), "auto", ["x", "not x"]),
        (_two(family="kata"), "auto", ["runc", "kata"]),
        (_two(sample="after"), "auto", ["runc", "runc"]),
        (_two(), "auto", ["a.json", "b.json"]),
        (_two("x", family="kata"), "runtime", ["runc", "kata"]),
        (_two(family="kata"), "file", ["a.json", "b.json"]),
        (_two(family="unknown"), "runtime", ["runc", "unknown runtime"]),
        (build.good_pair(), "auto", ["aio", "cube"]),
        (build.good_pair(), "label", ["runs/aio", "runs/cube"]),
    ],
)
def test_a_backend_is_what_was_asked_for(documents: list[Document], by: Grouping, names: list[str]) -> None:
    assert list(backend_names(documents, by).values()) == names


def test_a_single_snapshot_knows_nothing_of_status_settling_or_workload() -> None:
    (found,) = observations(build.document(_snapshot(sample="after-bash"), "a.json"))
    assert found.phase == PhaseKey(name="after-bash")
    assert (found.status, found.settled, found.workloads) == (None, None, None)


def test_a_runs_snapshot_knows_its_phase_repeat_and_outcome() -> None:
    found = observations(build.good_pair()[0])
    assert [each.phase.name for each in found] == ["empty"] * 3 + ["after-python"] * 3
    assert len({each.repeat for each in found}) == 3
    assert {(each.status, each.settled) for each in found} == {("ok", True)}


def test_what_ran_before_in_the_same_sandbox_belongs_to_the_workload() -> None:
    manifest = build.good_pair()[0].manifest
    assert manifest is not None
    trail = workload_trail(manifest, manifest.phases[-1])
    assert trail == [("empty", "none"), ("after-python", manifest.workloads[1].sha256)]
    assert workload_trail(manifest, manifest.phases[0]) == [("empty", "none")]


def test_sandboxes_of_another_number_at_once_are_others_with_a_past_of_their_own() -> None:
    manifest = build.good_pair()[0].manifest
    assert manifest is not None
    stepped = build.phase_run("after-python", 1, step=10)
    with_step = msgspec.structs.replace(manifest, phases=[*manifest.phases, stepped])
    assert [phase for phase, _ in workload_trail(with_step, stepped)] == ["after-python (10 at once)"]


def test_a_workload_that_the_run_does_not_describe_has_no_hash() -> None:
    manifest = build.good_pair()[0].manifest
    assert manifest is not None
    undescribed = msgspec.structs.replace(manifest, workloads=[])
    assert workload_trail(undescribed, manifest.phases[-1])[-1] == ("after-python", None)


def test_a_phase_is_called_with_its_step_and_round() -> None:
    assert PhaseKey(name="concurrent", step=50).label == "concurrent (50 at once)"
    assert PhaseKey(name="warm-reuse", cycle=2).label == "warm-reuse (round 2)"
    both = [
        PhaseKey(name="concurrent", step=50),
        PhaseKey(name="warm-reuse", cycle=2),
        PhaseKey(name="empty"),
    ]
    assert [each.short for each in both] == ["concurrent ×50", "warm-reuse r2", "empty"]
