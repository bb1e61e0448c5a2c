"""How a real kernel counts kills: what `explain/kills` takes for granted."""

import pytest

from lab.test_truth import Results
from lab.truth import Measured
from memcollect_agent.wire import Cgroup

pytestmark = pytest.mark.lab

GROUPS_ARE_COUNTED_SINCE = (5, 17)
"""memory.events has oom_group_kill: b6bf9abb0aa4 ("mm/memcg: add oom_group_kill memory event")."""


def measured(results: Results, workload: str) -> Measured:
    document = results[workload]
    assert isinstance(document, Measured), document.error
    return document


def counters(document: Measured, pod: str) -> tuple[Cgroup, Cgroup]:
    """Return the cgroup of a pod and of its container "app"."""
    found = next(each for each in document.sample.pods if each.uid == document.pods[pod])
    app = next(each for each in found.containers if document.containers.get(each.id or "") == "app")
    return found.cgroup, app.cgroup


def count(cgroup: Cgroup, event: str) -> tuple[int | None, int | None]:
    """Return an event of the subtree, and of the cgroup alone."""
    assert cgroup.events is not None
    assert cgroup.events_local is not None
    return cgroup.events.get(event), cgroup.events_local.get(event)


def counts_groups(document: Measured) -> bool:
    major, minor = document.kernel.split(".")[:2]
    return (int(major), int(minor)) >= GROUPS_ARE_COUNTED_SINCE


def test_oom_is_local_where_the_limit_was_and_oom_kill_where_the_victim_lived(lab_results: Results) -> None:
    pod, app = counters(measured(lab_results, "killed_in_a_container_that_lives"), "workers")

    assert count(app, "oom") == (2, 2)
    assert count(pod, "oom") == (2, 0)
    assert count(app, "oom_kill") == (2, 2)
    assert count(pod, "oom_kill") == (2, 0)


def test_a_pods_limit_counts_oom_in_the_pod_and_the_kill_in_the_container(lab_results: Results) -> None:
    pod, app = counters(measured(lab_results, "killed_for_the_pods_limit"), "whole-pod")

    assert count(pod, "oom") == (1, 1)
    assert count(app, "oom") == (0, 0)
    assert count(pod, "oom_kill") == (2, 0)
    assert count(app, "oom_kill") == (2, 2)


@pytest.mark.parametrize(("members", "name"), [(1, "one"), (3, "three")])
def test_a_group_kill_counts_its_victim_once_more_than_it_ends_processes(
    lab_results: Results, members: int, name: str
) -> None:
    document = measured(lab_results, f"killed_as_a_group_of_{name}")
    _, app = counters(document, f"group-of-{name}")

    assert app.oom_group is True
    assert count(app, "oom") == (1, 1)
    assert count(app, "oom_kill") == (members + 1, members + 1)
    assert count(app, "oom_group_kill") == ((1, 1) if counts_groups(document) else (None, None))


def test_a_limit_above_counts_oom_there_alone(lab_results: Results) -> None:
    document = measured(lab_results, "killed_for_a_limit_above")
    pod, app = counters(document, "innocent")
    above = {each.path: each for each in document.sample.node.ancestors or ()}

    assert count(app, "oom") == count(pod, "oom") == (0, 0)
    assert (app.events or {})["oom_kill"] > 0
    assert count(above["/kubepods/besteffort"], "oom")[1] == 1
    assert count(above["/kubepods"], "oom")[1] == 0


def test_a_node_without_memory_counts_oom_nowhere_and_the_kill_in_its_vmstat(lab_results: Results) -> None:
    document = measured(lab_results, "killed_for_want_of_memory_on_the_node")
    pod, app = counters(document, "unlimited")

    assert [count(each, "oom") for each in (app, pod)] == [(0, 0)] * 2
    assert (app.events or {})["oom_kill"] > 0
    assert [count(each, "oom")[1] for each in document.sample.node.ancestors or ()] == [0]
    assert (document.sample.node.vmstat or {})["oom_kill"] >= (app.events or {})["oom_kill"]
