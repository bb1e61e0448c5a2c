import pytest

from memcollect.profile.node_evidence import evidence
from memcollect_agent.wire import Cgroup, Container, Hint, Node, NodeSample, Pod, Problem, Process

LEFT = Pod(
    uid="u",
    cgroup=Cgroup(path="/u"),
    containers=[
        Container(cgroup=Cgroup(path="/u/c"), processes=[Process(pid=1, ppid=0, start_time=0.0, comm="left")])
    ],
)


IDS = ["a" * 64]


def parent(current: int | None, dying: int | None) -> Cgroup:
    counts = None if dying is None else {"nr_dying_descendants": dying}
    return Cgroup(path="/kubepods", current_bytes=current, descendants=counts)


def sample(
    *pods: Pod,
    meminfo: dict[str, int] | None = None,
    parents: list[Cgroup] | None = None,
    keepers: list[Hint] | None = None,
    problems: tuple[Problem, ...] = (),
) -> NodeSample:
    absent = {"meminfo": "denied"} if meminfo is None else {}
    return NodeSample(
        pods_parents=parents,
        keepers=keepers,
        problems=list(problems),
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


def test_what_the_cgroups_of_all_pods_hold_is_summed_over_the_nodes_kubelets() -> None:
    parents = [parent(5, 1), parent(7, 2)]
    found = evidence("n", "before", sample(meminfo={}, parents=parents), deleted=False)
    assert (found.pods_charge_bytes, found.dying_cgroups) == (12, 3)


def test_a_sum_that_lacks_one_part_is_unknown_with_its_reason() -> None:
    parents = [parent(5, 1), parent(None, None)]
    found = evidence("n", "before", sample(meminfo={}, parents=parents), deleted=False)
    assert (found.pods_charge_bytes, found.dying_cgroups) == (None, None)
    assert {"pods_charge_bytes", "dying_cgroups"} <= found.absent.keys()


def test_a_shim_that_still_runs_is_left_over_and_one_in_a_pods_cgroup_counts_once() -> None:
    shims = [
        Hint(kind="shim", pid=pid, program="containerd-shim-runc-v2", by="argv[0]", sandbox_id=IDS[0])
        for pid in (1, 9)
    ]
    found = evidence("n", "after", sample(LEFT, meminfo={}, keepers=shims), deleted=True, ids=IDS)
    assert found.leftover_processes == ["containerd-shim-runc-v2"] * 2
    assert "leftover_shims" not in found.absent


@pytest.mark.parametrize(
    ("ids", "problems", "said"),
    [
        ([], (), "ids"),
        (IDS, (), "too old"),
        (IDS, (Problem(kind="node", name="keepers", reason="budget", detail=""),), "time was spent"),
    ],
)
def test_shims_that_were_not_looked_for_are_unknown_with_the_reason(
    ids: list[str], problems: tuple[Problem, ...], said: str
) -> None:
    found = evidence("n", "after", sample(meminfo={}, problems=problems), deleted=True, ids=ids)
    assert said in found.absent["leftover_shims"]


def test_what_an_older_agent_does_not_tell_is_unknown_with_its_reason() -> None:
    found = evidence("n", "after", sample(), deleted=True)
    assert found.dying_cgroups is None
    assert {"dying_cgroups", "pods_charge_bytes", "leftover_shims", "meminfo"} <= found.absent.keys()
