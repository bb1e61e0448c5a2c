import errno
from pathlib import Path

import pytest

from memcollect_agent.measure.discover import Finder, Found
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
    machine.cgroup(f"/docker/{ID}/kubelet/kubepods/burstable/pod{UID[::-1]}")
    assert paths(machine, Finder(None, None)) == [
        f"/docker/{ID}/kubelet/kubepods/burstable/pod{UID[::-1]}",
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
    assert [problem.reason for problem in finder.problems] == ["unsupported"]


OTHER = "11111111-2222-3333-4444-555555555555"


def find(machine: Machine, finder: Finder) -> list[Found]:
    with CgroupFs(str(machine.top)).open() as top:
        return finder.find(top)


def test_of_two_cgroups_of_one_uid_the_kubelets_own_stays(machine: Machine) -> None:
    machine.cgroup(f"/kubepods/pod{OTHER}")
    machine.cgroup(f"/kubepods/pod{UID}")
    machine.cgroup(f"/a/kubepods/pod{UID}")
    (found,) = find(machine, Finder([UID], None))
    assert (found.path, found.twins) == (f"/kubepods/pod{UID}", [f"/a/kubepods/pod{UID}"])


def test_the_one_that_holds_the_containers_that_were_asked_for_outranks_the_others(machine: Machine) -> None:
    machine.cgroup(f"/kubepods/pod{OTHER}")
    machine.cgroup(f"/kubepods/pod{UID}")
    machine.cgroup(f"/a/kubepods/pod{UID}/{ID}")
    (found,) = find(machine, Finder([UID], None, container_ids=[ID]))
    assert found.path == f"/a/kubepods/pod{UID}"


def test_what_a_container_makes_inside_itself_never_outranks_what_the_kubelet_made(machine: Machine) -> None:
    """A hostile pod may make any directory below its own: another pod's UID, another container's id."""
    machine.cgroup(f"/kubepods/pod{OTHER}/{ID}/kubepods/pod{UID}")
    machine.cgroup(f"/kubepods/pod{OTHER}/{ID}/cri-containerd-{'d8' * 32}.scope")
    machine.cgroup(f"/kubepods/pod{UID}/{'d8' * 32}")
    finder = Finder([UID], None, container_ids=["d8" * 32], nested=True)
    (found,) = find(machine, finder)
    assert (found.path, found.within, found.twins) == (f"/kubepods/pod{UID}", "", [])


def test_a_pod_that_is_nowhere_else_is_found_inside_another_and_says_so(machine: Machine) -> None:
    machine.cgroup(f"/kubepods/pod{OTHER}/{ID}/kubepods/pod{UID}")
    (found,) = find(machine, Finder([UID], None))
    assert (found.path, found.within) == (
        f"/kubepods/pod{OTHER}/{ID}/kubepods/pod{UID}",
        f"/kubepods/pod{OTHER}",
    )


@pytest.mark.parametrize(
    "path",
    [
        f"/system.slice/kubepods-burstable-pod{UID.replace('-', '_')}.slice:cri-containerd:{ID}",
        f"/system.slice/cri-containerd-{ID}.scope",
        f"/k8s.io/{ID}",
    ],
)
def test_a_container_outside_of_its_pod_is_found_by_its_id(machine: Machine, path: str) -> None:
    machine.cgroup(path)
    machine.cgroup(f"/kubepods/pod{UID}")
    finder = Finder([UID], None, container_ids=[ID])
    pod, stray = sorted(find(machine, finder), key=lambda each: each.pod is None)
    assert (pod.path, stray.path) == (f"/kubepods/pod{UID}", path)
    assert stray.stray is not None
    assert stray.stray.id == ID
