"""What the lab does to a cgroup tree; plain directories stand for cgroups, the lab suite has the real."""

from pathlib import Path

import pytest

from memcollect.lab import cgroups


def test_every_level_above_hands_the_controller_down_and_the_leaf_does_not(tmp_path: Path) -> None:
    for directory in ("", "a", "a/b"):
        (tmp_path / directory).mkdir(exist_ok=True)
        (tmp_path / directory / "cgroup.subtree_control").write_text("cpu")
    cgroups.make(tmp_path / "a" / "b", tmp_path)
    controls = [(tmp_path / each / "cgroup.subtree_control").read_text() for each in ("", "a", "a/b")]
    assert controls == ["+memory", "+memory", "cpu"]


def test_a_level_that_hands_it_down_already_is_left_alone(tmp_path: Path) -> None:
    control = tmp_path / "cgroup.subtree_control"
    control.write_text("cpu memory")
    control.chmod(0o444)
    cgroups.hand_down(tmp_path)
    assert control.read_text() == "cpu memory"


def test_members_are_those_of_the_whole_subtree(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "cgroup.procs").write_text("1\n0\n2\n")
    (tmp_path / "below" / "cgroup.procs").write_text("3\n")
    assert sorted(cgroups.members(tmp_path)) == [1, 2, 3]


def test_removing_takes_leaves_first(tmp_path: Path) -> None:
    (tmp_path / "pod" / "app" / "own").mkdir(parents=True)
    cgroups.remove(tmp_path / "pod")
    assert not (tmp_path / "pod").exists()


def test_removing_what_is_gone_is_no_error(tmp_path: Path) -> None:
    cgroups.remove(tmp_path / "none")


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (1 << 30, "1073741824"), ("max", "max")])
def test_limits_are_written_as_the_kernel_reads_them(tmp_path: Path, value: int | str, text: str) -> None:
    cgroups.limit(tmp_path, {"memory.max": value})
    assert (tmp_path / "memory.max").read_text() == text
