from typing import Any

import msgspec
import pytest

from memcollect.compare import Document, Question, compare
from memcollect.compare.model import NodeRow
from memcollect.documents.run import Moment, NodeEvidence
from worlds import compare_builders as build
from worlds.compare_builders import MIB


def _look(moment: Moment, available: int | None, **more: Any) -> NodeEvidence:
    meminfo = {} if available is None else {"MemAvailable": available}
    return NodeEvidence(node="node-1", moment=moment, meminfo=meminfo, boot_id="b", **more)


def _run(before: NodeEvidence, step: NodeEvidence, *after: NodeEvidence) -> Document:
    run = build.run("aio", {"concurrent": [20 * MIB]})
    assert run.manifest is not None
    phases = [msgspec.structs.replace(each, nodes=[step], step=10) for each in run.manifest.phases]
    manifest = msgspec.structs.replace(run.manifest, phases=phases, nodes=[before, *after])
    return msgspec.structs.replace(run, manifest=manifest)


def _rows(before: NodeEvidence, step: NodeEvidence) -> list[NodeRow]:
    return compare([_run(before, step)], Question()).nodes


def test_what_the_node_lost_is_shared_out_beside_the_pods_own_numbers() -> None:
    (row,) = _rows(_look("before", 5000 * MIB), _look("step", 4500 * MIB, pods=10))
    assert (row.pods, row.per_pod_bytes, row.phase.step) == (10, 50 * MIB, 10)
    assert (row.working_set_bytes, row.pss_bytes, row.charged_bytes) == (20 * MIB, 20 * MIB, 20 * MIB)


def test_a_node_that_gained_says_so() -> None:
    (row,) = _rows(_look("before", 4500 * MIB), _look("step", 4510 * MIB, pods=1))
    assert row.per_pod_bytes == -10 * MIB


@pytest.mark.parametrize(
    ("before", "step"),
    [
        (_look("before", None), _look("step", 1, pods=1)),
        (_look("before", 1), _look("step", None, pods=1)),
        (_look("before", 1), _look("step", 1, pods=0)),
        (_look("before", 9), msgspec.structs.replace(_look("step", 1, pods=1), boot_id="rebooted")),
        (_look("after", 9), _look("step", 1, pods=1)),
    ],
)
def test_without_two_numbers_of_one_boot_there_is_no_row(before: NodeEvidence, step: NodeEvidence) -> None:
    assert _rows(before, step) == []


def test_what_was_not_given_back_after_deletion_is_told() -> None:
    after = _look(
        "after",
        4990 * MIB,
        leftover_cgroups=1,
        dying_cgroups=3,
        pods_charge_bytes=52 * MIB,
        leftover_processes=["containerd-shim"],
    )
    before = _look("before", 5000 * MIB, dying_cgroups=1, pods_charge_bytes=50 * MIB)
    run = _run(before, _look("step", 4500 * MIB, pods=10), after)
    (row,) = compare([run], Question()).leftovers
    assert (row.available_change_bytes, row.cgroups, row.dying_cgroups) == (-10 * MIB, 1, 3)
    assert (row.dying_change, row.pods_charge_change_bytes) == (2, 2 * MIB)
    assert row.processes == ["containerd-shim"]


def test_what_a_phases_pods_left_is_told_with_the_phase() -> None:
    run = _run(_look("before", 5000 * MIB), _look("after", 4999 * MIB, leftover_cgroups=0))
    (row,) = compare([run], Question()).leftovers
    assert row.phase is not None
    assert (row.phase.label, row.repeat, row.available_change_bytes) == ("concurrent (10 at once)", 1, -MIB)


def test_a_node_that_was_rebooted_meanwhile_has_no_change() -> None:
    after = msgspec.structs.replace(_look("after", 1), boot_id="another")
    (row,) = compare([_run(_look("before", 9), after)], Question()).leftovers
    assert row.available_change_bytes is None


def test_a_change_against_a_look_that_was_not_taken_is_unknown() -> None:
    run = _run(_look("after", 5000 * MIB), _look("step", 4500 * MIB, pods=10))
    (row,) = compare([run], Question()).leftovers
    assert row.available_change_bytes is None
