from memcollect.profile.node_evidence import evidence
from memcollect_agent.wire import Cgroup, Container, Node, NodeSample, Pod, Process

LEFT = Pod(
    uid="u",
    cgroup=Cgroup(path="/u"),
    containers=[
        Container(cgroup=Cgroup(path="/u/c"), processes=[Process(pid=1, ppid=0, start_time=0.0, comm="left")])
    ],
)


def sample(*pods: Pod, meminfo: dict[str, int] | None = None) -> NodeSample:
    absent = {"meminfo": "denied"} if meminfo is None else {}
    return NodeSample(
        sampled_at=5.0,
        finished_at=6.0,
        node=Node(name="n", boot_id="b", meminfo=meminfo, absent=absent),
        pods=list(pods),
    )


def test_before_a_deletion_leftovers_are_not_known_and_the_reason_stands_there() -> None:
    found = evidence("n", "step", sample(LEFT, meminfo={"MemAvailable": 7}), deleted=False)
    assert (found.pods, found.meminfo, found.leftover_cgroups) == (1, {"MemAvailable": 7}, None)
    assert "leftover_cgroups" in found.absent


def test_after_a_deletion_what_is_there_is_left_over() -> None:
    found = evidence("n", "after", sample(LEFT, meminfo={}), deleted=True)
    assert (found.leftover_cgroups, found.leftover_processes) == (2, ["left"])


def test_a_clean_node_has_none() -> None:
    assert evidence("n", "after", sample(meminfo={}), deleted=True).leftover_cgroups == 0


def test_what_the_agent_does_not_see_is_unknown_with_its_reason() -> None:
    found = evidence("n", "after", sample(), deleted=True)
    assert found.dying_cgroups is None
    assert {"dying_cgroups", "leftover_shims", "meminfo"} <= found.absent.keys()
