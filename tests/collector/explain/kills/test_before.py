"""What was held before a kill, from the agent's last points."""

import msgspec
import pytest

from memcollect.documents.snapshot import Container, Pod, Termination
from memcollect.explain.holder import PROCESSES
from memcollect.explain.kills import find_kills
from memcollect.explain.kills.before import before_end
from memcollect_agent.wire import CgroupHistory, LastPoints, Node
from worlds.oom_counters import Machine

MIB = 1 << 20
NOON = 1_767_268_800.0
"""2026-01-01 12:00:00 UTC."""


def last(  # noqa: PLR0913 - a reading is this many facts, all with a default
    held: int | None = 60 * MIB,
    *,
    container_id: str | None = "old",
    is_pod: bool = False,
    kills: int | None = 1,
    at: float = NOON,
    gone: bool = True,
    **stat: int,
) -> LastPoints:
    stat = stat or {"anon": 50 * MIB, "file": 9 * MIB, "shmem": 8 * MIB, "kernel": 1 * MIB, "sock": 0}
    cgroup = CgroupHistory(
        path="/kubepods/burstable/podX/old",
        inode=7,
        pod_uid="X",
        container_id=None if is_pod else container_id,
        is_pod=is_pod,
        times=[at - 2, at],
        current_bytes=[1, held],
        inactive_file_bytes=[0, 0],
        stat={name: [0, size] for name, size in stat.items()},
        gone_at=at + 1 if gone else None,
    )
    return LastPoints(cgroup=cgroup, noticed_at=at + 1.6, oom_kills=kills)


def told(machine: Machine, *points: LastPoints, containers: list[Container] | None = None) -> str:
    row = machine.row()
    row = msgspec.structs.replace(row, last_points=list(points), containers=containers or row.containers)
    findings, _ = find_kills(row, Node(name="node-1", ancestors=machine.ancestors()), PROCESSES)
    return next(each.sentence for each in findings if each.cause == "oom_kill")


def killed_and_gone() -> tuple[Machine, list[Container]]:
    machine = Machine()
    machine.app.reach_limit(machine.app)
    machine.restart()
    app, side = machine.row().containers
    ended = Termination(reason="OOMKilled", exit_code=137, container_id="old")
    return machine, [msgspec.structs.replace(app, id="new", last_termination=ended), side]


def test_the_composition_before_the_kill_is_told_after_it() -> None:
    machine, containers = killed_and_gone()

    assert told(machine, last(), containers=containers).endswith(
        "was reached. At 12:00:00 UTC, the last reading before, container app held 60 MiB: 50 MiB private"
        " memory, 8 MiB tmpfs or shared memory."
    )


def test_of_several_kills_the_newest_is_told() -> None:
    machine, containers = killed_and_gone()

    sentence = told(
        machine,
        last(1 * MIB, at=NOON - 600),
        last(60 * MIB),
        last(2 * MIB, at=NOON - 60),
        containers=containers,
    )

    assert "held 60 MiB" in sentence


def test_a_container_that_lives_on_is_met_by_its_own_id() -> None:
    machine = Machine()
    machine.app.reach_limit(machine.app)
    app, side = machine.row().containers
    containers = [msgspec.structs.replace(app, id="app-id"), msgspec.structs.replace(side, id="side-id")]
    points = [
        last(62 * MIB, container_id="app-id", gone=False),
        last(9 * MIB, container_id="side-id", gone=False),
    ]

    assert "container app held 62 MiB of 64 MiB" in told(machine, *points, containers=containers)


def test_a_reading_far_from_the_limit_does_not_pretend_to_be_what_filled_it() -> None:
    machine = Machine()
    machine.app.reach_limit(machine.app)
    containers = [msgspec.structs.replace(each, id=f"{each.name}-id") for each in machine.row().containers]

    sentence = told(
        machine, last(3 * MIB, container_id="app-id", gone=False, anon=3 * MIB), containers=containers
    )

    assert sentence.endswith("held 3 MiB of 64 MiB: 3 MiB private memory; the rest came within 2 s.")


def test_where_the_pods_limit_was_reached_its_own_reading_stands_in_for_an_unknown_one() -> None:
    machine = Machine()
    machine.pod.limit = 64 * MIB
    machine.pod.reach_limit(machine.app)
    machine.restart()

    assert "the last reading before, the pod held 60 MiB of 64 MiB" in told(machine, last(is_pod=True))


@pytest.mark.parametrize(
    "points",
    [
        [],
        [last(kills=0)],
        [last(kills=None)],
        [last(None)],
        [last(is_pod=True)],
    ],
)
def test_without_a_reading_of_the_killed_one_nothing_is_told(points: list[LastPoints]) -> None:
    machine, containers = killed_and_gone()

    assert told(machine, *points, containers=containers).endswith("the container's own limit was reached.")


def test_what_a_kernel_does_not_itemise_is_left_out_and_never_zero() -> None:
    machine, containers = killed_and_gone()

    sentence = told(machine, last(anon=50 * MIB, file=9 * MIB), containers=containers)

    assert sentence.endswith("held 60 MiB: 50 MiB private memory.")


def test_an_end_without_a_kill_has_its_last_reading_too() -> None:
    end = Termination(reason="Error", exit_code=137, container_id="old")
    container = Container(name="app", id="new", last_termination=end)
    pod = Pod(
        uid="X", name="x", containers=[container], last_points=[last(kills=0), last(container_id="other")]
    )

    assert "container app held 60 MiB" in before_end(pod, container)
    assert before_end(msgspec.structs.replace(pod, last_points=[]), container) == ""
    nameless = msgspec.structs.replace(container, last_termination=Termination(exit_code=137))
    assert before_end(pod, nameless) == ""
