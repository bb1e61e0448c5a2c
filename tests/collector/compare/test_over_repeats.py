from typing import Any

from memcollect.compare.model import Leftover, NodeRow, PhaseKey
from memcollect.compare.over_repeats import leftover_summaries, node_summaries

MIB = 1 << 20
EMPTY, MANY = PhaseKey(name="empty"), PhaseKey(name="concurrent", step=10)


def row(repeat: int, lost: int, phase: PhaseKey = EMPTY, **more: Any) -> NodeRow:
    fields: dict[str, Any] = {
        "backend": "aio",
        "phase": phase,
        "repeat": repeat,
        "node": "node-1",
        "pods": 1,
        "available_before_bytes": 100 * MIB,
        "available_bytes": 100 * MIB - lost,
        "per_pod_bytes": lost,
        "working_set_bytes": lost // 2,
        **more,
    }
    return NodeRow(**fields)


def left(available: int | None, phase: PhaseKey | None = EMPTY, **more: Any) -> Leftover:
    fields = {"backend": "aio", "node": "node-1", "cgroups": 0, "dying_change": 0, **more}
    return Leftover(phase=phase, available_change_bytes=available, **fields)


def test_a_phases_repeats_are_one_row_with_their_median_and_ends() -> None:
    found = list(node_summaries([row(1, 4 * MIB), row(1, MIB, MANY), row(2, 8 * MIB), row(3, 2 * MIB)]))
    assert [(each.phase, each.lost.values_bytes) for each in found] == [
        (EMPTY, [2 * MIB, 4 * MIB, 8 * MIB]),
        (MANY, [MIB]),
    ]
    assert found[0].lost.median_bytes == 4 * MIB
    assert found[0].working_set_bytes == 2 * MIB


def test_another_backend_or_node_is_another_row() -> None:
    rows = [row(1, MIB), row(1, MIB, backend="cube"), row(1, MIB, node="node-2")]
    assert len(list(node_summaries(rows))) == 3


def test_a_number_that_one_repeat_lacks_is_unknown_and_no_part() -> None:
    (found,) = node_summaries([row(1, MIB), row(2, MIB, working_set_bytes=None)])
    assert found.working_set_bytes is None


def test_of_leftovers_the_worst_is_told_and_each_name_once() -> None:
    rows = [left(-MIB, processes=["shim"]), left(-3 * MIB, cgroups=2, processes=["shim", "qemu"])]
    (found,) = leftover_summaries(rows)
    assert found.available_change is not None
    assert found.available_change.median_bytes == -2 * MIB
    assert (found.cgroups, found.processes) == (2, ["qemu", "shim"])


def test_what_was_not_looked_for_in_one_repeat_is_not_known_of_all() -> None:
    rows = [left(-MIB), left(None, cgroups=None, dying_change=None, processes_unknown="too old")]
    (found,) = leftover_summaries(rows)
    assert (found.available_change, found.cgroups, found.dying_change) == (None, None, None)
    assert found.processes_unknown == "too old"


def test_the_whole_run_is_a_row_of_its_own() -> None:
    assert [each.phase for each in leftover_summaries([left(0), left(0, None)])] == [EMPTY, None]
