import pytest

from memcollect_agent.errors import ParseError
from memcollect_agent.parse.mountinfo import parse

TEXT = rb"""22 28 0:21 / /sys rw,nosuid shared:7 - sysfs sysfs rw
36 35 98:0 /mnt\0401 /mnt/a\134b rw,noatime master:1 propagate_from:2 - ext3 /dev/root rw,errors=continue
40 36 0:52 / / rw - overlay overlay rw,lowerdir=/a:/b,upperdir=/u,lowerdir+=/c
"""


def test_optional_fields_are_passed_over_and_escapes_undone() -> None:
    sys, disk, overlay = parse(TEXT)
    assert (sys.id, sys.device, sys.target, sys.file_system) == (22, "0:21", "/sys", "sysfs")
    assert (disk.root, disk.target, disk.super_options) == (
        "/mnt 1",
        "/mnt/a\\b",
        [("rw", ""), ("errors", "continue")],
    )
    assert overlay.super_options == [
        ("rw", ""),
        ("lowerdir", "/a:/b"),
        ("upperdir", "/u"),
        ("lowerdir+", "/c"),
    ]


def test_a_mount_is_above_what_is_below_its_directory_and_not_above_itself() -> None:
    sys, _, root = parse(TEXT)
    assert sys.is_above("/sys/fs/cgroup")
    assert not sys.is_above("/sys")
    assert not sys.is_above("/system")
    assert root.is_above("/sys")


@pytest.mark.parametrize(
    "line", [b"22 28 0:21 / /sys rw\n", b"a b\n", b"x 28 0:21 / /sys rw - sysfs sysfs rw\n"]
)
def test_what_is_no_mount_is_said_with_its_line(line: bytes) -> None:
    with pytest.raises(ParseError, match="line 1"):
        parse(line)
