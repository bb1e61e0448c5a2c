from typing import Any

import pytest

from memcollect.documents.snapshot import Missing
from memcollect.errors import DeniedError
from memcollect.sources.agent_pods import FEW, AgentPod, Deployment, find_agents
from memcollect.sources.api import Api
from memcollect.testing import PODS, Cluster, objects

LABELS = {"app.kubernetes.io/name": "memcollect-agent"}


def agent(name: str, node: str, *, ready: bool = True, **metadata: Any) -> dict[str, Any]:
    pod = objects.pod("memcollect", name, node=node, labels=LABELS)
    pod["status"]["conditions"] = [{"type": "Ready", "status": "True" if ready else "False"}]
    pod["metadata"].update(metadata)
    return pod


def test_each_node_has_its_agent(api: Api, state: Cluster, told: list[Missing]) -> None:
    state.put(PODS, agent("a1", "n1"))
    state.put(PODS, agent("a2", "n2"))
    state.put(PODS, objects.pod("memcollect", "something-else", node="n3"))
    found = find_agents(api, told.append)
    assert found == {
        "n1": AgentPod(node="n1", name="a1", image="example/image", uid="uid-memcollect-a1"),
        "n2": AgentPod(node="n2", name="a2", image="example/image", uid="uid-memcollect-a2"),
    }


def test_the_agents_of_a_few_nodes_are_asked_for_alone(api: Api, state: Cluster, told: list[Missing]) -> None:
    for number in range(30):
        state.put(PODS, agent(f"a{number}", f"n{number}"))
    assert sorted(find_agents(api, told.append, ["n3", "n7", "absent"])) == ["n3", "n7"]
    assert [entry.query["fieldSelector"] for entry in state.requests] == [
        ["spec.nodeName=n3"],
        ["spec.nodeName=n7"],
        ["spec.nodeName=absent"],
    ]


def test_the_agents_of_many_nodes_are_picked_out_of_the_list(
    api: Api, state: Cluster, told: list[Missing]
) -> None:
    for number in range(30):
        state.put(PODS, agent(f"a{number}", f"n{number}"))
    nodes = {f"n{number}" for number in range(FEW + 1)}
    assert set(find_agents(api, told.append, nodes)) == nodes
    assert len(state.requests) == 1


def test_during_a_roll_out_the_ready_one_is_taken_then_the_younger(
    api: Api, state: Cluster, told: list[Missing]
) -> None:
    state.put(PODS, agent("old", "n1", deletionTimestamp="2026-01-01T00:00:00Z"))
    state.put(PODS, agent("new", "n1"))
    state.put(PODS, agent("b-younger", "n2", ready=False, creationTimestamp="2026-02-01T00:00:00Z"))
    state.put(PODS, agent("a-older", "n2", ready=False, creationTimestamp="2026-01-01T00:00:00Z"))
    assert {node: found.name for node, found in find_agents(api, told.append).items()} == {
        "n1": "new",
        "n2": "b-younger",
    }


def test_an_agent_that_cannot_be_asked_says_why(api: Api, state: Cluster, told: list[Missing]) -> None:
    state.put(PODS, agent("a1", "n1", ready=False))
    pending = objects.pod("memcollect", "a2", node="n2", labels=LABELS, phase="Pending")
    pending["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": "ImagePullBackOff"}}
    state.put(PODS, pending)
    state.put(PODS, objects.pod("memcollect", "a3", node="n3", labels=LABELS, phase="Failed") | {})
    state.put(PODS, agent("a4", "n4", deletionTimestamp="2026-01-01T00:00:00Z"))
    assert {node: found.problem for node, found in find_agents(api, told.append).items()} == {
        "n1": "it is not ready",
        "n2": "it waits: ImagePullBackOff",
        "n3": "it is Failed",
        "n4": "it is being deleted",
    }


def test_an_evicted_agent_says_so_and_not_what_its_container_waited_for(
    api: Api, state: Cluster, told: list[Missing]
) -> None:
    pod = agent("a1", "n1", ready=False)
    pod["status"] |= {
        "phase": "Failed",
        "reason": "Evicted",
        "message": "The node was low on resource: memory.",
    }
    pod["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": "ContainerCreating"}}
    state.put(PODS, pod)
    ended = agent("a2", "n2", ready=False)
    ended["status"] |= {
        "phase": "Failed",
        "reason": "Evicted",
        "message": "The node had condition: [DiskPressure].",
    }
    at = "2026-11-30T04:05:06Z"
    ended["status"]["containerStatuses"][0]["state"] = {"terminated": {"exitCode": 137, "finishedAt": at}}
    state.put(PODS, ended)
    found = find_agents(api, told.append)
    assert found["n1"].problem == "it was evicted (The node was low on resource: memory)"
    assert found["n2"].problem == f"it was evicted at {at} (The node had condition: [DiskPressure])"


def test_the_follower_of_an_evicted_agent_says_what_was_before_it(
    api: Api, state: Cluster, told: list[Missing]
) -> None:
    old = agent("old", "n1", ready=False, creationTimestamp="2026-01-01T00:00:00Z")
    old["status"] |= {
        "phase": "Failed",
        "reason": "Evicted",
        "message": "The node was low on resource: memory.",
    }
    new = objects.pod("memcollect", "new", node="n1", labels=LABELS, phase="Pending")
    new["metadata"]["creationTimestamp"] = "2026-02-01T00:00:00Z"
    new["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": "ContainerCreating"}}
    state.put(PODS, old)
    state.put(PODS, new)
    found = find_agents(api, told.append)["n1"]
    before = "the one before it was evicted (The node was low on resource: memory)"
    assert (found.name, found.problem) == ("new", f"it waits: ContainerCreating, and {before}")


def test_an_agent_that_failed_says_why(api: Api, state: Cluster, told: list[Missing]) -> None:
    pod = agent("a1", "n1", ready=False)
    pod["status"] |= {"phase": "Failed", "reason": "OutOfmemory", "message": "Pod was rejected."}
    state.put(PODS, pod)
    assert find_agents(api, told.append)["n1"].problem == "it is Failed, OutOfmemory (Pod was rejected)"


def test_another_deployment_is_found_where_it_is(api: Api, state: Cluster, told: list[Missing]) -> None:
    state.put(PODS, objects.pod("tools", "mine", node="n1", labels={"app": "mine"}))
    elsewhere = Deployment(namespace="tools", selector="app=mine", port=1234)
    found = find_agents(api, told.append, deployment=elsewhere)["n1"]
    assert (found.namespace, found.name, found.port) == ("tools", "mine", 1234)


def test_without_the_right_to_list_them_it_is_an_error(api: Api, state: Cluster, told: list[Missing]) -> None:
    state.access.deny("list", "pods", namespace="memcollect")
    with pytest.raises(DeniedError, match="list pods in namespace memcollect"):
        find_agents(api, told.append)
