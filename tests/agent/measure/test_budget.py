"""No stage of a sampling goes on when the time budget is used up, and what was left out is told."""

from collections.abc import Callable
from pathlib import Path

import pytest

from memcollect_agent.measure import processes
from memcollect_agent.measure.ancestors import measure_ancestors
from memcollect_agent.measure.discover import Finder
from memcollect_agent.measure.problems import Problems
from memcollect_agent.measure.sample import sample_node
from memcollect_agent.measure.subtree import Subtrees
from memcollect_agent.measure.tree import read_tree
from memcollect_agent.read.cgroupfs import CgroupFs
from memcollect_agent.read.procfs import ProcFs
from memcollect_agent.sandbox import find_hints
from memcollect_agent.wire import SampleRequest
from worlds.agent_trees import Machine

POD = "/kubepods/burstable/pod476ef1fb-90cb-446a-989f-e9a1ed217abf"


def test_cgroups_inside_a_container_are_not_searched_when_the_time_is_up(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.cgroup("/c", (10,))
    for number in range(5):
        machine.cgroup(f"/c/{number}", (20 + number,))
    problems = Problems()
    answers = iter([False, False, True])
    with CgroupFs(str(machine.top)).open("/c") as directory:
        found = Subtrees(problems, lambda: next(answers, True)).all(directory)
    assert list(found) == [10, 20, 21]
    assert [(each.reason, "time budget" in each.detail) for each in problems.all] == [("budget", True)]


def test_no_names_are_read_when_the_time_is_up(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    (machine.process(10) / "cmdline").write_bytes(b"firecracker\0")
    (tmp_path / "proc" / "10" / "comm").write_text("firecracker\n")
    with ProcFs(machine.roots.proc) as proc:
        in_time = find_hints(proc, [10], lambda: True, 0)
        too_late = find_hints(proc, [10], lambda: True, 0, lambda: True)
    assert (len(in_time), len(too_late)) == (1, 0)


def test_no_command_line_is_read_when_the_time_is_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(tmp_path)
    machine.cgroup(f"{POD}/{'a' * 64}", (10, 11))
    machine.cgroup(POD)
    for pid in (10, 11):
        machine.process(pid)
    # All of the time goes by while the sums are read.
    settle = processes.Tally.settle
    spent = [False]

    def slow(*arguments: object) -> None:
        settle(*arguments)  # type: ignore[arg-type] # passed on as they came
        spent[0] = True

    monkeypatch.setattr(processes.Tally, "settle", slow)
    monkeypatch.setattr(processes.Budget, "spent", lambda *_: spent[0])
    sample = sample_node(SampleRequest(process_limit=5), machine.roots)
    (container,) = sample.pods[0].containers
    assert [(each.pid, each.command, each.pss_bytes is None) for each in container.processes] == [
        (10, None, False),
        (11, None, False),
    ]
    assert any("before 2 of its command lines" in each.detail for each in sample.problems)


def late_after(calls: int) -> Callable[[], bool]:
    """Return what says `calls` times that there is time left."""
    answers = iter([False] * calls)
    return lambda: next(answers, True)


def test_no_further_cgroup_is_looked_at_for_pods_and_none_is_said_to_be_elsewhere(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.cgroup(POD)
    for number in range(5):
        machine.cgroup(f"/a/{number}")
    uid = POD.rpartition("pod")[2]
    finder = Finder([uid], ["x*"], late=late_after(2))
    with CgroupFs(str(machine.top)).open() as top:
        assert finder.find(top) == []
    told = [*finder.problems, *finder.not_found()]
    assert [(each.name, each.reason) for each in told] == [
        ("/a", "budget"),
        (uid, "budget"),
        ("x*", "budget"),
    ]
    assert {each.detail for each in told} == {
        "the time budget was spent after 2 cgroups: the rest was not visited"
    }


def test_the_nodes_tree_ends_when_the_time_is_up_and_counts_what_it_left_out(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    for number in range(5):
        machine.cgroup(f"/a/{number}", current=4096)
    with ProcFs(machine.roots.proc) as proc:
        tree = read_tree(proc, CgroupFs(str(machine.top)), 4096, late_after(3))
    assert [each.path for each in tree.cgroups] == ["/a", "/a/0", "/a/1"]
    assert tree.left_out == 3


def test_cgroups_above_pods_are_left_out_when_the_time_is_up(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    for path in ("/kubepods", "/kubepods/burstable", POD):
        machine.cgroup(path)
    problems = Problems()
    measured = measure_ancestors(CgroupFs(str(machine.top)), [POD], problems, late_after(1))
    assert [each.path for each in measured] == ["/kubepods"]
    assert [(each.name, each.reason, "before 1 of 2 cgroups" in each.detail) for each in problems.all] == [
        ("ancestors", "budget", True)
    ]


def test_a_sampling_whose_time_is_up_at_once_names_all_that_it_did_not_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(tmp_path)
    machine.cgroup(POD)
    (tmp_path / "proc/meminfo").write_text("MemTotal:  1000 kB\n")
    monkeypatch.setattr(processes.Budget, "spent", lambda *_: True)
    sample = sample_node(SampleRequest(pod_uids=[POD.rpartition("pod")[2]], tree=True), machine.roots)
    assert sample.pods == []
    assert sample.tree is not None
    assert (sample.tree.cgroups, sample.tree.left_out) == ([], 1)
    assert {each.reason for each in sample.problems} == {"budget"}
    assert {POD.rpartition("pod")[2], "tree"} <= {each.name for each in sample.problems}
