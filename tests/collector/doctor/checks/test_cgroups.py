from memcollect.doctor.checks.cgroups import driver, version
from memcollect.doctor.facts import ClusterFacts, Conversation, Question
from memcollect.documents.snapshot import Missing
from memcollect.sources.agent_pods import AgentPod
from memcollect.sources.agents import Answer, Target
from memcollect_agent.wire import Cgroup, Node, NodeSample, Pod


def measured(node: str, *drivers: str | None, cgroup_version: str | None = "v2") -> Conversation:
    pods = [Pod(uid="u", driver=name, cgroup=Cgroup(path="/p")) for name in drivers]
    sample = NodeSample(
        sampled_at=1.0, finished_at=1.0, node=Node(name=node, cgroup_version=cgroup_version), pods=pods
    )
    return Conversation(answer=Answer(target=_target(node), sample=sample))


def failed(node: str, detail: str) -> Conversation:
    failure = Missing(kind="node", name=node, node=node, reason="agent-error", detail=detail)
    return Conversation(answer=Answer(target=_target(node), failure=failure))


def _target(node: str) -> Target:
    return Target(node=node, agent=AgentPod(node=node, name=f"agent-{node}"))


def facts(*conversations: Conversation) -> ClusterFacts:
    return ClusterFacts(question=Question(), conversations=conversations)


def test_two_drivers_in_one_cluster_are_good() -> None:
    finding = driver(facts(measured("a", "systemd"), measured("b", "cgroupfs"), measured("c", "systemd")))
    assert (finding.status, finding.sentence) == ("ok", "systemd on 2 nodes, cgroupfs on 1 node.")


def test_an_agent_that_does_not_find_its_own_pod_is_a_warning() -> None:
    finding = driver(facts(measured("a", "systemd"), measured("b")))
    assert finding.status == "warn"
    assert "on 1 of 2 nodes (b) the agent does not find its own pod" in finding.sentence
    assert list(finding.commands) == ["kubectl describe pod -n memcollect agent-b"]


def test_without_any_pod_the_driver_is_unknown_and_not_wrong() -> None:
    finding = driver(facts(measured("a")))
    assert finding.status == "skipped"
    assert [item.detail for item in finding.items] == ["unknown"]


def test_a_node_that_cannot_be_measured_is_told_in_the_agents_words() -> None:
    told = "The agent answered HTTP 500: The node cannot be measured: its tree is v1."
    finding = version(facts(measured("a"), failed("b", told)))
    assert (finding.status, finding.is_blocking) == ("fail", False)
    assert finding.sentence == "Not measurable: 1 of 2 nodes (b): its tree is v1."
    assert version(facts(failed("b", told))).is_blocking


def test_a_silent_agent_says_nothing_of_its_node() -> None:
    assert version(facts(measured("a"), failed("b", "It hangs."))).sentence == "v2 on 1 node."
    assert version(facts(failed("b", "It hangs."))).is_blocking


def test_a_version_that_is_not_known_is_not_taken_for_v2() -> None:
    assert version(facts(measured("a", cgroup_version=None))).status == "fail"
