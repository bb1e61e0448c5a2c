import errno
from pathlib import Path

import pytest

from memcollect_agent.measure.discover import Finder
from memcollect_agent.read import cgroupfs
from memcollect_agent.read.cgroupfs import CgroupFs
from worlds.agent_faults import Fail
from worlds.agent_trees import Machine

UID = "476ef1fb-90cb-446a-989f-e9a1ed217abf"
SLICE = f"kubepods-pod{UID.replace('-', '_')}.slice"
ID = "c7" * 32


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def paths(machine: Machine, finder: Finder) -> list[str]:
    with CgroupFs(str(machine.top)).open() as top:
        return [found.path for found in finder.find(top)]


def test_pods_are_found_under_any_root(machine: Machine) -> None:
    machine.cgroup(f"/kubepods.slice/{SLICE}")
    machine.cgroup(f"/docker/{ID}/kubelet/kubepods/burstable/pod{UID}")
    assert paths(machine, Finder(None, None)) == [
        f"/docker/{ID}/kubelet/kubepods/burstable/pod{UID}",
        f"/kubepods.slice/{SLICE}",
    ]


def test_below_a_pod_nothing_more_is_looked_for(machine: Machine) -> None:
    machine.cgroup(f"/kubepods/pod{UID}/{ID}/kubepods/pod{UID[::-1]}")
    assert paths(machine, Finder(None, ["*"])) == [f"/kubepods/pod{UID}"]


def test_only_what_is_asked_for_is_found(machine: Machine) -> None:
    machine.cgroup(f"/kubepods/pod{UID}")
    machine.cgroup(f"/kubepods/pod{UID[::-1]}")
    finder = Finder([UID.upper()], None)
    assert paths(machine, finder) == [f"/kubepods/pod{UID}"]
    assert finder.not_found() == []


def test_a_branch_that_cannot_be_opened_is_told_and_the_others_searched(machine: Machine, fail: Fail) -> None:
    machine.cgroup("/closed")
    machine.cgroup(f"/kubepods/pod{UID}")
    fail("closed", errno.EACCES)
    finder = Finder(None, None)
    assert paths(machine, finder) == [f"/kubepods/pod{UID}"]
    assert [problem.name for problem in finder.problems] == ["/closed"]


def test_a_branch_that_goes_meanwhile_is_nothing_to_tell(machine: Machine, fail: Fail) -> None:
    machine.cgroup("/going")
    machine.cgroup(f"/kubepods/pod{UID}")
    fail("going", errno.ENOENT)
    finder = Finder(None, None)
    assert paths(machine, finder) == [f"/kubepods/pod{UID}"]
    assert finder.problems == []


def test_a_bottomless_tree_ends_with_a_word(machine: Machine) -> None:
    machine.cgroup("/d" * (cgroupfs.MAX_DEPTH + 3))
    finder = Finder(None, None)
    assert paths(machine, finder) == []
    assert [problem.reason for problem in finder.problems] == ["unsupported"]


def test_an_endless_tree_ends_with_a_word(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        machine.cgroup(f"/kubepods/pod{number}")
    monkeypatch.setattr(cgroupfs, "MAX_CGROUPS", 4)
    finder = Finder(None, None)
    assert len(paths(machine, finder)) == 3
    assert [problem.reason for problem in finder.problems] == ["budget"]
