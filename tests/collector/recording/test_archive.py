"""A recording may be anybody's: what none has is refused in one sentence, before anything is unpacked."""

import gzip
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from memcollect.errors import DocumentError, SchemaError
from memcollect.recording import archive
from memcollect.recording.document import ABOUT, About, Recording

GOOD = b'{"recording_version": 1, "page_size_bytes": 4096}'


def member(name: str, data: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def packed(path: Path, *members: tuple[tarfile.TarInfo, bytes], about: bytes = GOOD) -> str:
    with tarfile.open(path, "w:gz") as file:
        for info, data in [member(ABOUT, about), *members]:
            file.addfile(info, io.BytesIO(data))
    return str(path)


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (member("../../etc/cron.d/x", b"x"), "'../../etc/cron.d/x' in it leads out of it."),
        (member("proc/../../x", b"x"), "'proc/../../x' in it leads out of it."),
        (member("/etc/passwd", b"x"), "'/etc/passwd' in it leads out of it."),
        (member("../evil", type=tarfile.DIRTYPE), "'../evil' in it leads out of it."),
        (
            member("proc/mounts", type=tarfile.SYMTYPE, linkname="/etc/shadow"),
            "'proc/mounts' in it is a link.",
        ),
        (member("proc/stat", type=tarfile.LNKTYPE, linkname="/etc/shadow"), "'proc/stat' in it is a link."),
        (member("proc/zero", type=tarfile.CHRTYPE), "'proc/zero' in it is no regular file."),
        (member("proc/pipe", type=tarfile.FIFOTYPE), "'proc/pipe' in it is no regular file."),
        (member("etc/passwd", b"x"), "'etc/passwd' is nothing that one has."),
        (member("proc/" + "n" * 256, b"x"), f"'proc/{'n' * 95}'… is too long a name for a file."),
        (member("proc" + "/dd" * 1100, b"x"), f"'proc{'/dd' * 32}'… is too long a name for a file."),
        (member("proc//stat", b"x"), "'proc//stat' is nothing that one has."),
        (member("proc/\x1b[31m", type=tarfile.SYMTYPE), r"'proc/\x1b[31m' in it is a link."),
    ],
)
def test_what_no_recording_has_is_refused(
    bad: tuple[tarfile.TarInfo, bytes], sentence: str, tmp_path: Path
) -> None:
    path = packed(tmp_path / "r.tar.gz", member("proc/meminfo", b"MemTotal: 1 kB\n"), bad)
    with pytest.raises(DocumentError) as error:
        archive.read_recording(path)
    assert error.value.sentence == f"{path} is no recording: {sentence}"


def test_a_file_is_in_it_once(tmp_path: Path) -> None:
    path = packed(tmp_path / "r.tar.gz", member("proc/stat", b"1"), member("proc/stat", b"2"))
    with pytest.raises(DocumentError, match="'proc/stat' is in it twice"):
        archive.read_recording(path)


def test_nothing_is_below_a_file_so_that_no_link_is_written_through(tmp_path: Path) -> None:
    path = packed(tmp_path / "r.tar.gz", member("proc/1/exe", b"/etc"), member("proc/1/exe/passwd", b"x"))
    with pytest.raises(DocumentError, match="'proc/1/exe/passwd' in it is below a file"):
        archive.read_recording(path)


@pytest.mark.parametrize(
    ("about", "kind", "sentence"),
    [
        (
            b'{"recording_version": 7}',
            SchemaError,
            "is a recording of version 7; this memcollect reads 1. Upgrade",
        ),
        (b'{"recording_version": 0}', SchemaError, "version 0; this memcollect reads 1. Read it with"),
        (b'{"recording_version": 1}', DocumentError, "its recording.json says nothing: "),
        (b"[]", DocumentError, "its recording.json says nothing: "),
        (b"\xff", DocumentError, "its recording.json says nothing: "),
    ],
)
def test_what_it_says_of_itself_is_looked_at(
    about: bytes, kind: type[DocumentError], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(kind) as error:
        archive.read_recording(packed(tmp_path / "r.tar.gz", about=about))
    assert type(error.value) is kind
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    "data",
    [b"", b"no archive", gzip.compress(b"no tar"), gzip.compress(b"x" * 5000)[:-9], b"\x1f\x8b\x08\x00"],
    ids=["empty", "text", "no tar", "cut", "head"],
)
def test_what_is_no_archive_is_told(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "r.tar.gz"
    path.write_bytes(data)
    with pytest.raises(DocumentError, match="is no recording"):
        archive.read_recording(str(path))


def test_an_archive_that_is_cut_anywhere_is_told(tmp_path: Path) -> None:
    whole = archive.encode(Recording(About(page_size_bytes=4096), {"proc/stat": b"x" * 3000, "proc/x": b"y"}))
    path = tmp_path / "r.tar.gz"
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(DocumentError):
            archive.read_recording(str(path))


def test_what_unpacks_to_more_than_any_recording_is_given_up_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 1 << 20)
    monkeypatch.setattr(archive, "MOST_FILES", 100)
    bomb = packed(tmp_path / "bomb.tar.gz", member("proc/stat", bytes(8 << 20)))
    many = packed(tmp_path / "many.tar.gz", *(member(f"proc/{number}/stat", b"x") for number in range(101)))
    for path in (bomb, many):
        with pytest.raises(DocumentError, match=r"more than 1 MiB"):
            archive.read_recording(path)


def test_an_unpacked_recording_is_read_as_the_archive(tmp_path: Path) -> None:
    files = {"proc/stat": b"btime 1\n", "sys/fs/cgroup/a/memory.current": b"1\n"}
    root = tmp_path / "unpacked"
    for name, data in {ABOUT: GOOD, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    assert archive.is_recording(str(root))
    assert archive.read_recording(str(root)).files == files
    (root / "proc/mounts").symlink_to("/etc/shadow")
    with pytest.raises(DocumentError, match="'proc/mounts' in it is a link"):
        archive.read_recording(str(root))


def test_a_pipe_in_an_unpacked_recording_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / ABOUT).write_text("{}")
    os.mkfifo(tmp_path / "proc/meminfo")
    with pytest.raises(DocumentError, match="'proc/meminfo' in it is no regular file"):
        archive.read_recording(str(tmp_path))


@pytest.mark.parametrize("make", [lambda files: files, lambda files: dict(reversed(files.items()))])
def test_the_same_recording_is_the_same_bytes(make: Callable[[dict[str, bytes]], dict[str, bytes]]) -> None:
    about, files = About(page_size_bytes=4096), {"proc/a": b"1", "proc/b": b"2"}
    assert archive.encode(Recording(about, make(files))) == archive.encode(Recording(about, files))
