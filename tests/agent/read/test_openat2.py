import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from memcollect_agent.errors import AgentError, GoneError, UnsafeFileError, UnsupportedError
from memcollect_agent.read.openat2 import FROM_ROOT, PATH_ONLY, WITHIN, open_at


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to("/etc/shadow")
    (tmp_path / "root").mkdir()
    (tmp_path / "root/etc").mkdir()
    (tmp_path / "root/etc/shadow").write_text("the pod's own")
    fd = os.open(tmp_path, os.O_PATH)
    try:
        open_at(fd, "file", PATH_ONLY, WITHIN)
    except UnsupportedError as error:
        pytest.skip(str(error))
    yield fd
    os.close(fd)


def test_a_file_is_opened(directory: int) -> None:
    fd = open_at(directory, "file", PATH_ONLY, WITHIN)
    assert os.fstat(fd).st_size == 4
    os.close(fd)


@pytest.mark.parametrize("name", ["link", "..", "../..", "/etc/shadow"])
def test_nothing_that_leads_elsewhere_is_opened(directory: int, name: str) -> None:
    with pytest.raises(UnsafeFileError):
        os.close(open_at(directory, name, os.O_PATH | os.O_CLOEXEC, WITHIN))


def test_what_is_not_there_has_gone(directory: int) -> None:
    with pytest.raises(GoneError):
        open_at(directory, "nothing", PATH_ONLY, WITHIN)


def test_an_absolute_link_is_followed_inside_of_a_root_alone(directory: int, tmp_path: Path) -> None:
    (tmp_path / "root/link").symlink_to("/etc/shadow")
    root = open_at(directory, "root", os.O_PATH | os.O_CLOEXEC, WITHIN)
    fd = open_at(root, "/link", os.O_RDONLY | os.O_CLOEXEC, FROM_ROOT)
    assert os.read(fd, 100) == b"the pod's own"
    os.close(fd)
    os.close(root)


def test_another_mount_is_not_entered() -> None:
    root = os.open("/", os.O_PATH)
    with pytest.raises(AgentError):
        os.close(open_at(root, "proc/self", PATH_ONLY, WITHIN))
    os.close(root)
