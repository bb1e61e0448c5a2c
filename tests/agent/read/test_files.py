import errno
import os
import socket
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from memcollect_agent.errors import DeniedError, GoneError, ParseError, ReadError, UnsafeFileError
from memcollect_agent.read import files
from worlds.agent_faults import Fail


@pytest.fixture
def top(tmp_path: Path) -> Iterator[int]:
    fd = files.open_root(str(tmp_path))
    yield fd
    os.close(fd)


def test_a_file_is_read_whole_however_long(tmp_path: Path, top: int) -> None:
    (tmp_path / "f").write_bytes(b"x" * 200_000)
    assert files.read_file("f", top, "f") == b"x" * 200_000


def test_more_than_the_limit_is_an_error_not_a_part(tmp_path: Path, top: int) -> None:
    (tmp_path / "f").write_bytes(b"x" * 101)
    assert len(files.read_file("f", top, "f", limit=101)) == 101
    with pytest.raises(ParseError, match="longer than 100 bytes"):
        files.read_file("f", top, "f", limit=100)


def test_a_link_is_refused_unless_it_is_asked_for(tmp_path: Path, top: int) -> None:
    (tmp_path / "f").write_text("1\n")
    (tmp_path / "link").symlink_to("f")
    with pytest.raises(UnsafeFileError):
        files.read_file("link", top, "link")
    assert files.read_file("link", top, "link", follow=True) == b"1\n"


def test_a_fifo_neither_blocks_nor_is_read(tmp_path: Path, top: int) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(UnsafeFileError):
        files.read_file("fifo", top, "fifo")


def test_a_socket_and_a_directory_are_refused(tmp_path: Path, top: int) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "sock"))
        with pytest.raises(UnsafeFileError):
            files.read_file("sock", top, "sock")
    (tmp_path / "d").mkdir()
    with pytest.raises(UnsafeFileError):
        files.read_file("d", top, "d")


def test_a_record_is_read_in_one_go_as_far_as_it_is_wanted(tmp_path: Path, top: int) -> None:
    (tmp_path / "f").write_bytes(b"x" * 101)
    assert files.read_record("f", top, "f", 200) == b"x" * 101
    assert files.read_record("f", top, "f", 50) == b"x" * 50


@pytest.mark.parametrize("length", [files.RECORD_ROOM - 1, files.RECORD_ROOM, 3 * files.RECORD_ROOM])
def test_a_whole_record_is_whole_however_long_and_its_witness_is_told_no_part(
    tmp_path: Path, top: int, length: int
) -> None:
    (tmp_path / "f").write_bytes(b"x" * length)
    seen: list[bytes] = []
    with files.witnessed(lambda _path, data: seen.append(data)):
        assert files.read_whole_record("f", top, "f") == b"x" * length
    assert seen == [b"x" * length]


def test_a_whole_record_longer_than_any_file_may_be_is_an_error(tmp_path: Path, top: int) -> None:
    (tmp_path / "f").write_bytes(b"x" * (files.READ_LIMIT + 1))
    with pytest.raises(ParseError, match="longer than"):
        files.read_whole_record("f", top, "f")


@pytest.mark.parametrize("name", ["link", "fifo", "sock", "d"])
def test_no_record_is_read_of_what_is_no_file(tmp_path: Path, top: int, name: str) -> None:
    (tmp_path / "link").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "d").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "sock"))
        with pytest.raises(UnsafeFileError):
            files.read_record(name, top, name, 100)
        with pytest.raises(UnsafeFileError):
            files.read_whole_record(name, top, name)


def kept(top: int, name: str = "f", *, keep: bool = True) -> files.Record:
    return files.Record(name, top, name, 100, keep=keep)


@pytest.mark.parametrize("keep", [True, False])
def test_a_record_that_is_read_again_is_as_it_is_now(tmp_path: Path, top: int, *, keep: bool) -> None:
    record = kept(top, keep=keep)
    for text in ("1\n", "22\n", "", "3\n"):
        (tmp_path / "f").write_text(text)
        assert record.read() == text.encode()
    (tmp_path / "new").write_text("4\n")
    (tmp_path / "new").replace(tmp_path / "f")
    assert record.read() == b"4\n"
    (tmp_path / "f").unlink()
    with pytest.raises(GoneError):
        record.read()
    (tmp_path / "f").write_text("5\n")
    assert record.read() == b"5\n"
    record.close()


def test_a_kernels_own_file_is_opened_once_and_written_anew_for_each_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[str] = []
    real = os.open

    def noted(name: str, flags: int, *, dir_fd: int | None = None) -> int:
        opened.append(name)
        return real(name, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", noted)
    proc = files.open_root("/proc")
    record = files.Record("uptime", proc, "uptime", 100, keep=True)
    first = record.read()
    time.sleep(0.05)
    assert record.read() != first
    assert opened.count("uptime") == 1
    record.close()
    os.close(proc)


@pytest.mark.parametrize("code", [errno.ENODEV, errno.ENOENT])
def test_a_kept_record_that_was_removed_is_looked_for_once_more(
    tmp_path: Path, top: int, fail: Fail, code: int
) -> None:
    """As where the controller was taken from the cgroup and given back: the file of that name is another."""
    (tmp_path / "f").write_text("1\n")
    record = kept(top)
    record.read()
    fail("f", code, "read")
    with pytest.raises(GoneError):
        record.read()


def test_a_kept_record_that_cannot_be_read_now_is_no_file_that_went(
    tmp_path: Path, top: int, fail: Fail
) -> None:
    (tmp_path / "f").write_text("1\n")
    record = kept(top)
    record.read()
    fail("f", errno.EIO, "read")
    with pytest.raises(ReadError) as caught:
        record.read()
    assert not isinstance(caught.value, GoneError)
    record.close()


@pytest.mark.parametrize("name", ["link", "fifo", "d", "nothing"])
def test_what_is_no_file_is_not_kept_open(tmp_path: Path, top: int, name: str) -> None:
    (tmp_path / "link").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "d").mkdir()
    with pytest.raises(ReadError):
        kept(top, name).read()
    opened = [each.readlink() for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    assert [each for each in opened if tmp_path in each.parents] == []


def test_reading_a_record_takes_nothing_out_of_a_fifo(tmp_path: Path, top: int) -> None:
    os.mkfifo(tmp_path / "fifo")
    fd = os.open(tmp_path / "fifo", os.O_RDWR)
    try:
        os.write(fd, b"for somebody else")
        with pytest.raises(UnsafeFileError):
            files.read_record("fifo", top, "fifo", 100)
        with pytest.raises(UnsafeFileError):
            files.read_whole_record("fifo", top, "fifo")
        assert os.read(fd, 100) == b"for somebody else"
    finally:
        os.close(fd)


def test_a_link_to_a_directory_is_no_directory(tmp_path: Path, top: int) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "link").symlink_to("d")
    with pytest.raises(UnsafeFileError):
        files.open_directory("link", top, "link")


@pytest.mark.parametrize("when", ["open", "read"])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.ENOENT, GoneError),
        (errno.ESRCH, GoneError),
        (errno.ENODEV, GoneError),
        (errno.EACCES, DeniedError),
        (errno.EPERM, DeniedError),
        (errno.EIO, ReadError),
    ],
)
def test_each_errno_has_its_own_error(  # noqa: PLR0913, PLR0917 - pytest names them
    tmp_path: Path,
    top: int,
    fail: Fail,
    when: str,
    code: int,
    kind: type[ReadError],
) -> None:
    (tmp_path / "f").write_text("1\n")
    fail("f", code, when)
    for read in (files.read_file, partial(files.read_record, limit=100)):
        with pytest.raises(ReadError) as caught:
            read("f", top, "/where/f")
        assert type(caught.value) is kind
        assert caught.value.path == "/where/f"


def test_no_descriptor_is_left_open(tmp_path: Path, top: int) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names alone
    (tmp_path / "f").write_text("1\n")
    os.mkfifo(tmp_path / "fifo")
    files.read_file("f", top, "f")
    for name in ("fifo", "missing"):
        with pytest.raises(ReadError):
            files.read_file(name, top, name)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
