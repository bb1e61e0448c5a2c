"""The sentences: how many, where, for whose limit, and a remedy that fits."""

import msgspec
import pytest

from memcollect.documents.snapshot import Container, Finding, Pod, Termination
from memcollect.explain.holder import PROCESSES
from memcollect.explain.kills import find_kills
from memcollect.explain.kills.told import ABOVE_REMEDY, NODE_REMEDY, UNKNOWN_REMEDY
from memcollect_agent.wire import Cgroup, Node
from worlds.oom_counters import Machine

OOM_KILLED = Termination(reason="OOMKilled", exit_code=137, finished_at="2026-01-01T00:00:00Z")


def told(machine: Machine, **more: object) -> Finding:
    """Return the only finding on kills."""
    row = msgspec.structs.replace(machine.row(), **more)
    findings, _ = find_kills(
        row, Node(name="node-1", ancestors=machine.ancestors(), vmstat={"oom_kill": 7}), PROCESSES
    )
    (found,) = [each for each in findings if each.cause == "oom_kill"]
    return found


def test_a_container_that_lives_on_and_reached_its_own_limit() -> None:
    machine = Machine()
    machine.app.reach_limit(machine.app)
    machine.app.reach_limit(machine.app)

    finding = told(machine)

    assert finding.sentence == (
        "The OOM killer ended 2 processes in container app, which lives on:"
        " its own limit of 64 MiB was reached."
    )
    assert (finding.scope, finding.severity, finding.confidence) == ("app", "critical", "measured")
    assert finding.evidence == "oom_kill 2; oom 2; memory.events.local: max 2"
    assert finding.remedy.startswith("Raise this limit")


@pytest.mark.parametrize(("peak", "more"), [(64 << 20, ""), (80 << 20, " (its peak is 80 MiB)")])
def test_a_peak_is_evidence_and_is_told_where_it_was_above_todays_limit(peak: int, more: str) -> None:
    machine = Machine()
    machine.app.reach_limit(machine.app)
    app, side = machine.row().containers
    assert app.cgroup is not None
    app = msgspec.structs.replace(app, cgroup=msgspec.structs.replace(app.cgroup, peak_bytes=peak))

    finding = told(machine, containers=[app, side])

    assert finding.sentence.endswith(f"its own limit of 64 MiB was reached{more}.")
    assert f"memory.peak {peak}" in finding.evidence


def test_the_pods_limit_is_not_called_the_containers() -> None:
    machine = Machine()
    machine.pod.limit = 128 << 20
    machine.pod.reach_limit(machine.side)

    finding = told(machine)

    assert "in container side, which lives on: the pod's limit of 128 MiB was reached." in finding.sentence
    assert finding.remedy.startswith("The pod's limit is the sum of its containers'")


@pytest.mark.parametrize(
    ("above", "name"),
    [
        ("pods", "that of all pods together (/kubepods)"),
        ("qos", "that of all pods of its QoS class (/kubepods/burstable)"),
    ],
)
def test_no_limit_of_an_innocent_pod_is_to_be_raised(above: str, name: str) -> None:
    machine = Machine(limit="max")
    getattr(machine, above).reach_limit(machine.app)

    finding = told(machine)

    said = f"for a limit above this pod: {name} was reached; none of the pod's own was."
    assert finding.sentence.endswith(said)
    assert (finding.confidence, finding.remedy) == ("inferred", ABOVE_REMEDY)
    assert "Raise" not in finding.remedy


def test_several_limits_above_are_counted() -> None:
    machine = Machine()
    machine.pods.limit = 1 << 30
    machine.pods.reach_limit(machine.app)
    machine.qos.reach_limit(machine.app)

    finding = told(machine)

    assert finding.sentence.endswith(
        "that of all pods of its QoS class (/kubepods/burstable) was reached, and so was 1 more; none of the"
        " pod's own was."
    )
    assert "also /kubepods" in finding.evidence


def test_a_node_without_memory_is_told_as_that() -> None:
    machine = Machine()
    machine.app.die()

    finding = told(machine)

    assert finding.sentence == (
        "The OOM killer ended 1 process in container app, which lives on, for want of memory on the node:"
        " neither a limit of this pod nor one above it was reached."
    )
    assert finding.remedy == NODE_REMEDY
    assert "oom_kill of the node's vmstat 7" in finding.evidence


def test_on_several_numa_nodes_one_of_them_may_have_been_without_memory() -> None:
    """The kubelet's Memory Manager binds a container to one, and the others' memory is not for it."""
    machine = Machine()
    machine.app.die()
    node = Node(name="node-1", ancestors=machine.ancestors(), memory_nodes=2)
    findings, _ = find_kills(machine.row(), node, PROCESSES)

    assert "for want of memory on the node, or on those of its 2 NUMA nodes that it may use: neither" in (
        findings[0].sentence
    )


def test_an_agent_that_reads_no_ancestors_leaves_it_open() -> None:
    machine = Machine()
    machine.app.die()
    findings, _ = find_kills(machine.row(), Node(name="node-1"), PROCESSES)

    assert "this snapshot does not say which" in findings[0].sentence
    assert findings[0].remedy == UNKNOWN_REMEDY


def test_a_limit_that_was_taken_away_is_not_to_be_raised() -> None:
    machine = Machine()
    machine.app.reach_limit(machine.app)
    machine.app.limit = "max"

    finding = told(machine)

    assert finding.sentence.endswith("its own limit, which it no longer has, was reached.")
    assert finding.remedy == "That limit is no longer in force: nothing is to be raised."


def test_a_limit_set_by_what_runs_inside_is_looked_for_there() -> None:
    machine = Machine()
    machine.app.reach_limit(machine.app)
    machine.app.local["oom"] = 0

    finding = told(machine)

    assert "a limit that was set inside of it was reached" in finding.sentence
    assert "look for it there" in finding.remedy


def test_a_group_of_one_is_one_process_whatever_the_kernel_counts() -> None:
    machine = Machine(oom_group=True)
    machine.app.reach_limit(machine.app, members=1)

    finding = told(machine)

    assert "ended 1 process in" in finding.sentence
    assert "a kill of a whole group (memory.oom.group) counts its victim twice" in finding.evidence


def test_a_large_group_is_told_as_what_it_can_have_been() -> None:
    machine = Machine(oom_group=True)
    for _ in range(3):
        machine.app.reach_limit(machine.app, members=4)

    assert "ended 12 to 15 processes in" in told(machine).sentence


def restarted(machine: Machine, **restarts: int) -> list[Container]:
    return [
        msgspec.structs.replace(
            each,
            restarts=restarts.get(each.name, 0),
            last_termination=OOM_KILLED if each.name in restarts else None,
        )
        for each in machine.row().containers
    ]


def test_kills_of_earlier_runs_are_of_the_container_that_ended_so() -> None:
    machine = Machine()
    machine.app.reach_limit(machine.app)
    machine.restart()
    containers = restarted(machine, app=1)
    containers[0] = msgspec.structs.replace(containers[0], limits={"memory": "64Mi"})

    finding = told(machine, containers=containers)

    assert finding.sentence == (
        "The OOM killer ended 1 process of earlier runs of container app:"
        " the container's own limit of 64Mi was reached."
    )


def test_where_two_containers_ended_so_neither_is_named() -> None:
    machine = Machine()
    machine.app.reach_limit(machine.app)
    machine.restart()

    finding = told(machine, containers=restarted(machine, app=1, side=2))

    assert (
        "ended 1 process of containers that are gone: the container's own limit was reached"
        in finding.sentence
    )


def test_counters_that_were_not_read_are_undecided_with_the_reason() -> None:
    row = Pod(uid="X", name="x", cgroup=Cgroup(path="/x", absent={"memory.events": "denied"}))

    findings, (open_question,) = find_kills(row, None, PROCESSES)

    assert findings == []
    assert (open_question.name, open_question.missing, open_question.reason) == (
        "oom_kill",
        "events.oom_kill",
        "denied",
    )
