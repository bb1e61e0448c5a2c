"""Kills and deaths in the verdict."""

from memcollect.documents.snapshot import Container, Pod, Waiting
from memcollect.explain import explain_pod
from memcollect_agent.wire import Node
from worlds.oom_counters import Machine

NODE = Node(name="node-1")


def test_two_kills_for_two_limits_are_two_sentences() -> None:
    machine = Machine()
    machine.app.reach_limit(machine.app)
    machine.side.limit = 32 << 20
    machine.side.reach_limit(machine.side)

    verdict = explain_pod(machine.row(), NODE).verdict

    assert "in container app, which lives on: its own limit of 64 MiB was reached." in verdict
    assert "in container side, which lives on: its own limit of 32 MiB was reached." in verdict


def test_of_many_the_first_are_told_and_the_others_counted() -> None:
    waiting = Waiting(reason="CrashLoopBackOff")
    containers = [Container(name=f"c{n}", state="waiting", waiting=waiting) for n in range(5)]

    verdict = explain_pod(Pod(uid="X", name="x", containers=containers), NODE).verdict

    assert verdict.count("is not running: CrashLoopBackOff") == 3
    assert "The findings tell of 2 more of the kind. " in verdict
