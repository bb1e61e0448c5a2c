"""The default paths: a whole machine stands at /proc, /sys/fs/cgroup and /sys of a fake file system."""

import pytest
from pyfakefs.fake_filesystem import FakeFilesystem

from memcollect_agent.measure.sample import Roots
from memcollect_agent.read.cgroupfs import CgroupFs
from memcollect_agent.read.procfs import ProcFs, SysFs


def test_the_roots_are_the_kernels_own_mount_points() -> None:
    assert Roots() == Roots(proc="/proc", cgroup="/sys/fs/cgroup", sys="/sys")


def test_the_version_is_read_below_the_default_cgroup_root(fs: FakeFilesystem) -> None:
    fs.create_file("/sys/fs/cgroup/cgroup.controllers", contents="memory\n")
    assert CgroupFs().version() == "v2"


@pytest.mark.parametrize("reader", [ProcFs, SysFs])
def test_the_readers_open_their_default_root(fs: FakeFilesystem, reader: type[ProcFs | SysFs]) -> None:
    fs.create_dir("/proc") if not fs.exists("/proc") else None
    fs.create_dir("/sys") if not fs.exists("/sys") else None
    with reader() as opened:
        assert opened.root in ("/proc", "/sys")
