"""No stage of a sampling goes on when the time budget is used up, and what was left out is told."""

from pathlib import Path

import pytest

from memcollect_agent.measure import processes
from memcollect_agent.measure.problems import Problems
from memcollect_agent.measure.sample import sample_node
from memcollect_agent.measure.subtree import Subtrees
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
