"""Where the guest's memory and files may go."""

import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from memcollect.lab import space
from memcollect.lab.errors import NoSpaceError


def test_no_room_anywhere_names_every_place_and_the_remedy() -> None:
    with pytest.raises(NoSpaceError, match=r"has \d+ MiB free.*set TMPDIR"):
        space.memory_directory(1 << 60)


def test_files_go_where_the_guest_mounts_nothing_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/dev/shm")
    assert str(space.files_directory(1)) != "/dev/shm"
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    assert space.files_directory(1) == tmp_path


def test_a_directory_that_is_not_there_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / "none"))
    assert space.files_directory(1) != tmp_path / "none"


@pytest.mark.parametrize(
    ("path", "covered"), [("/run", True), ("/run/user/1", True), ("/runner", False), ("/", False)]
)
def test_what_lies_below_a_mount_of_the_guest_is_covered(path: str, covered: bool) -> None:  # noqa: FBT001
    assert space.is_covered(path) is covered


def test_a_link_is_followed_before_it_is_judged(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev")
    assert space.is_covered(str(tmp_path / "link" / "shm"))


def test_a_small_shared_memory_gives_way_to_a_directory_on_a_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As containers have it: 64 MiB."""
    sizes = {"/dev/shm": 64 << 20, str(tmp_path): 8 << 30}
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=sizes[path]))
    assert space.memory_directory(768 << 20) == tmp_path
    sizes[str(tmp_path)] = sizes["/var/tmp"] = 1 << 20
    with pytest.raises(
        NoSpaceError,
        match=r"no room for the guest's memory \(768 MiB\): /dev/shm has 64 MiB free; .*set TMPDIR",
    ):
        space.memory_directory(768 << 20)
