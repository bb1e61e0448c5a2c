from collections.abc import Sequence

from memcollect.doctor.checks.cgroups import driver, of_pods, version
from memcollect.doctor.facts import ClusterFacts, Conversation, PodsSeen, Question, Running
from memcollect.documents.snapshot import Missing
from memcollect.sources.agent_pods import AgentPod
from memcollect.sources.agents import Answer, Target
from memcollect_agent.wire import Cgroup, Container, Node, NodeSample, Pod


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


RUNNING = Running(name="shop/web", uid="u", container_ids=["c"])


def tried(*pods: Pod, strays: Sequence[Container] = ()) -> ClusterFacts:
    sample = NodeSample(
        sampled_at=1.0, finished_at=1.0, node=Node(name="a"), pods=list(pods), strays=list(strays)
    )
    seen = PodsSeen(count=1, running=1, more=False, by_node={"a": RUNNING})
    talk = Conversation(answer=Answer(target=_target("a"), sample=sample))
    return ClusterFacts(question=Question(), pods=seen, conversations=[talk])


def test_a_running_pod_without_a_cgroup_is_a_warning() -> None:
    finding = of_pods(tried(Pod(uid="another", cgroup=Cgroup(path="/p"))))
    assert finding.status == "warn"
    assert "shop/web runs, so Kubernetes says" in finding.sentence


def test_containers_outside_of_their_pods_cgroup_are_a_warning_of_two_drivers() -> None:
    own = Pod(uid="u", cgroup=Cgroup(path="/p"))
    finding = of_pods(tried(own, strays=[Container(id="c", cgroup=Cgroup(path="/x"))]))
    assert finding.status == "warn"
    assert "one cgroup driver" in finding.remedy


def test_a_pod_that_is_found_is_good_and_without_any_nothing_is_checked() -> None:
    assert of_pods(tried(Pod(uid="u", cgroup=Cgroup(path="/p")))).status == "ok"
    assert of_pods(facts(measured("a"))).status == "skipped"
