import errno
import os
from pathlib import Path

import pytest

from memcollect_agent.errors import GoneError, ReadError, UnsafeFileError
from memcollect_agent.read.cgroupfs import CgroupFs
from worlds.agent_faults import Fail
from worlds.agent_trees import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_each_kernel_file_has_its_reader(machine: Machine) -> None:
    directory = machine.cgroup("/a", (7, 8), current=5000)
    (directory / "memory.numa_stat").write_text("anon N0=5\n")
    (directory / "memory.oom.group").write_text("1\n")
    (directory / "memory.pressure").write_text("some avg10=0.00 avg60=0.00 avg300=0.00 total=3\n")
    with CgroupFs(str(machine.top)).open("/a") as cgroup:
        assert cgroup.read_stat()["anon"] == 5000
        assert cgroup.read_number("memory.current") == 5000
        assert cgroup.read_limit("memory.max") == "max"
        assert cgroup.read_flag("memory.oom.group") is True
        assert cgroup.read_counts("memory.events")["oom_kill"] == 0
        assert cgroup.read_pressure()["some"].total == 3
        assert cgroup.read_numa_stat() == {"anon": {"N0": 5}}
        assert cgroup.read_procs() == [7, 8]
        assert cgroup.read_controllers() == ["memory"]
        assert cgroup.inode == directory.stat().st_ino


def test_a_file_the_kernel_lacks_is_told_from_a_cgroup_that_is_gone(machine: Machine) -> None:
    directory = machine.cgroup("/a")
    cgroups = CgroupFs(str(machine.top))
    with cgroups.open("/a") as cgroup:
        assert not cgroup.has("memory.peak")
    with cgroups.open("/a") as cgroup:
        for file in directory.iterdir():
            file.unlink()
        directory.rmdir()
        with pytest.raises(GoneError):
            cgroup.has("memory.peak")


def test_a_cgroup_made_anew_is_not_the_one_that_was_opened(machine: Machine) -> None:
    directory = machine.cgroup("/a", current=1)
    with CgroupFs(str(machine.top)).open("/a") as cgroup:
        for file in directory.iterdir():
            file.unlink()
        directory.rmdir()
        machine.cgroup("/a", current=2)
        with pytest.raises(GoneError):
            cgroup.read_number("memory.current")


def test_links_among_cgroups_are_not_followed(machine: Machine) -> None:
    machine.cgroup("/a")
    (machine.top / "loop").symlink_to(machine.top)
    with CgroupFs(str(machine.top)).open() as top:
        assert top.children() == ["a"]
        with pytest.raises(UnsafeFileError):
            top.child("loop")


@pytest.mark.parametrize(
    "make", [lambda path: path.symlink_to("/etc/hostname"), os.mkfifo], ids=["link", "fifo"]
)
def test_a_value_that_is_no_regular_file_is_refused(machine: Machine, make: object) -> None:
    directory = machine.cgroup("/a")
    (directory / "memory.current").unlink()
    assert callable(make)
    make(directory / "memory.current")
    with CgroupFs(str(machine.top)).open("/a") as cgroup, pytest.raises(UnsafeFileError):
        cgroup.read_number("memory.current")


def test_deep_nesting_can_be_opened(machine: Machine) -> None:
    path = "/level" * 40
    machine.cgroup(path, current=40)
    with CgroupFs(str(machine.top)).open(path) as cgroup:
        assert (cgroup.depth, cgroup.read_number("memory.current")) == (40, 40)


def test_no_path_leads_out_of_the_tree(machine: Machine) -> None:
    with pytest.raises(GoneError):
        CgroupFs(str(machine.top)).open("/../proc")


def test_a_threaded_cgroup_lists_no_processes_of_its_own(machine: Machine, fail: Fail) -> None:
    machine.cgroup("/a", (7,))
    fail("cgroup.procs", errno.EOPNOTSUPP, "read")
    with CgroupFs(str(machine.top)).open("/a") as cgroup:
        assert cgroup.read_procs() == []


def test_another_error_of_the_list_is_an_error(machine: Machine, fail: Fail) -> None:
    machine.cgroup("/a", (7,))
    fail("cgroup.procs", errno.EIO, "read")
    with CgroupFs(str(machine.top)).open("/a") as cgroup, pytest.raises(ReadError):
        cgroup.read_procs()


def test_the_version_is_told_by_what_stands_at_the_root(tmp_path: Path) -> None:
    for name, directories in {"v1": ["memory"], "hybrid": ["memory", "unified"], "none": []}.items():
        for directory in directories:
            (tmp_path / name / directory).mkdir(parents=True)
        (tmp_path / name).mkdir(exist_ok=True)
    (tmp_path / "v2").mkdir()
    (tmp_path / "v2" / "cgroup.controllers").write_text("memory\n")
    versions = [CgroupFs(str(tmp_path / name)).version() for name in ("v1", "hybrid", "none", "v2")]
    assert versions == ["v1", "hybrid", None, "v2"]


def test_an_open_cgroup_may_be_closed_twice(machine: Machine) -> None:
    cgroup = CgroupFs(str(machine.top)).open()
    cgroup.close()
    cgroup.close()
    assert cgroup.fd == -1
