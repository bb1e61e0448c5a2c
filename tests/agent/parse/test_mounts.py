import pytest

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import mounts
from worlds.agent_trees import FIXTURES


def test_the_cgroup_mount_of_a_real_node_has_its_options() -> None:
    found = mounts.parse((FIXTURES / "systemd-kernel-7.2/proc/mounts").read_bytes())
    (cgroup,) = [mount for mount in found if mount.file_system == "cgroup2"]
    assert cgroup.target == "/sys/fs/cgroup"
    assert "memory_hugetlb_accounting" in cgroup.options


def test_octal_escapes_are_undone() -> None:
    (mount,) = mounts.parse(b"tmpfs /mnt/a\\040b\\134c tmpfs rw 0 0\n")
    assert mount.target == "/mnt/a b\\c"


@pytest.mark.parametrize("data", [b"", b"tmpfs /mnt tmpfs rw\n", b"tmpfs /mnt tmpfs rw 0 0"])
def test_another_form_is_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        mounts.parse(data)
