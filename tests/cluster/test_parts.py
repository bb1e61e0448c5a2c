"""The suite's own parts, without a cluster: where its pods may run, and its table."""

from typing import Any

import pytest

from cluster.pods import Kit, placement
from cluster.table import Row, row_of, table
from worlds.pod_security import baseline_violations, restricted_violations

CONTROL_PLANE = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
UNWELL = {"key": "node.kubernetes.io/memory-pressure", "effect": "NoSchedule"}
READY = {"conditions": [{"type": "Ready", "status": "True"}]}


def node(name: str, *taints: dict[str, str], **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"taints": list(taints), **spec}, "status": READY}


def agent(name: str, ready: str = "True") -> dict[str, Any]:
    return {"spec": {"nodeName": name}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}


def test_pods_run_where_an_agent_is_ready_and_nothing_is_to_be_tolerated() -> None:
    nodes = [node("a"), node("b"), node("c", CONTROL_PLANE), node("d"), node("e", unschedulable=True)]
    found = placement(nodes, [agent("a"), agent("b"), agent("c"), agent("d", "False"), agent("e")])
    assert (found.nodes, found.tolerations) == (["a", "b"], [])


def test_where_every_node_is_tainted_what_is_no_sign_of_illness_is_tolerated() -> None:
    found = placement([node("a", CONTROL_PLANE), node("b", UNWELL)], [agent("a"), agent("b")])
    assert found.nodes == ["a"]
    assert found.tolerations == [{**CONTROL_PLANE, "operator": "Exists"}]


def test_where_nodes_may_not_be_listed_the_scheduler_chooses() -> None:
    found = placement(None, [agent("a")])
    pod = Kit("ours", "image", ["python"], found).pod("p")
    assert "affinity" not in pod["spec"]
    assert "tolerations" not in pod["spec"]


def test_every_kind_of_container_is_admitted_where_pod_security_is_restricted() -> None:
    kit = Kit("ours", "image", ["python", "-I"], placement([node("a", CONTROL_PLANE)], [agent("a")]))
    initial = [kit.ending("init", "pass"), kit.sidecar("beside", "stay()")]
    pod = kit.pod("p", kit.container("main", "stay()"), initContainers=initial)
    spec = {**pod["spec"], "containers": [*pod["spec"]["containers"], *initial]}
    assert (baseline_violations(spec), restricted_violations(spec)) == (set(), set())


@pytest.mark.parametrize(
    ("outcome", "seen", "why", "told"),
    [
        ("passed", ["18 MiB", "2 steps"], "", "18 MiB; 2 steps"),
        ("skipped", [], "this cluster has\nno metrics API", "this cluster has no metrics API"),
    ],
)
def test_a_row_says_what_was_tried_seen_or_why_not(
    outcome: str, seen: list[str], why: str, told: str
) -> None:
    name = "tests/cluster/test_runs.py::test_an_oom_kill_is_told[greedy]"
    assert row_of(name, outcome, seen, why) == Row("an oom kill is told: greedy", outcome, told)


def test_the_tables_cells_are_wrapped_and_whole() -> None:
    row = Row("a " * 40, "passed", "word " * 40)
    lines = table([row])
    assert max(map(len, lines)) <= 137
    text = " ".join(lines)
    assert (text.count("word"), text.count(" passed ")) == (40, 1)
