import errno
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from memcollect.commands.output import deliver_pieces
from memcollect.documents.files import decode_snapshot, read_snapshot, write_document
from memcollect.errors import DocumentError, OutputError, SchemaError, UsageError
from memcollect.reporters import json
from worlds import children
from worlds import sample_snapshots as samples

SAMPLES = Path(__file__).parents[2] / "document_samples"
WRITE_BEYOND_A_LIMIT = """
import resource, sys
from pathlib import Path
from memcollect.documents.files import write_document
from memcollect.errors import OutputError
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_document(Path(sys.argv[1]), [b"n" * 100_000], force=True)
except OutputError as error:
    print(error)
"""


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "snapshot.json"
    path.write_text(json.render(samples.snapshot()), encoding="utf-8")
    return path


def test_what_was_written_is_read(saved: Path) -> None:
    assert read_snapshot(str(saved)) == samples.snapshot()


def test_fields_of_a_newer_writer_are_passed_over(saved: Path) -> None:
    text = saved.read_text(encoding="utf-8").replace("{", '{"unheard_of": [1],', 1)
    assert decode_snapshot(text.encode(), "f") == samples.snapshot()


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (b"", DocumentError, "is empty"),
        (b"  \n", DocumentError, "is empty"),
        (b"not json", DocumentError, "is not JSON"),
        (b"[1, 2]", DocumentError, "is not a memcollect snapshot"),
        (b"{}", DocumentError, "it has no schema_version"),
        (b'{"schema_version": true}', DocumentError, "it has no schema_version"),
        (b'{"schema_version": "2"}', DocumentError, "it has no schema_version"),
        (b'{"schema_version": 2}', DocumentError, "captured_at"),
        (
            b'{"schema_version": 99, "tool": {"version": "9.0"}}',
            SchemaError,
            "written by memcollect 9.0.*Upgrade",
        ),
        (b'{"schema_version": 1, "process_errors": {}}', SchemaError, "older profile script"),
        (b'{"schema_version": 1}', SchemaError, "schema 1; this memcollect reads 2 and 3"),
        (b'{"schema_version": 1, "sampled_at": 1.0}', DocumentError, "from memcollect-agent"),
        (b"\xff\xfe\x00", DocumentError, "is not JSON"),
        (b'{"schema_version": 2, "captured_at": "\xff"}', DocumentError, "is not"),
        (b'{"schema_version": 2, "x": ' + b"[" * 100_000, DocumentError, "is not JSON"),
    ],
)
def test_every_wrong_document_is_named_for_what_it_is(
    content: bytes, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        decode_snapshot(content, "f.json")


@pytest.mark.parametrize(
    ("sample", "what"),
    [
        ("doctor-1", "a report of `memcollect doctor`"),
        ("matrix-1", "a matrix of evidence"),
        ("event-1", "the log of a run"),
        ("run-1", "the manifest of a run"),
        ("evidence-1", "a file of evidence"),
        ("compare-1", "a comparison"),
        ("node-2", None),
        ("snapshot-2", None),
    ],
)
def test_memcollects_other_documents_are_told_from_snapshots(sample: str, what: str | None) -> None:
    data = (SAMPLES / f"{sample}.json").read_bytes()
    if what is None:
        assert decode_snapshot(data, "f.json")
        return
    with pytest.raises(DocumentError) as told:
        decode_snapshot(data, "f.json")
    assert told.value.sentence == f"f.json is {what}, not a snapshot."


def test_a_document_cut_short_is_told_from_a_whole_one(saved: Path) -> None:
    with pytest.raises(DocumentError, match="cut short"):
        decode_snapshot(saved.read_bytes()[:-40], "f.json")


def test_a_fifo_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(DocumentError, match="not a regular file"):
        read_snapshot(str(fifo))


@pytest.mark.parametrize("name", ["/nowhere/at/all.json", "/", "\0"])
def test_what_cannot_be_read_is_one_sentence(name: str) -> None:
    with pytest.raises(DocumentError, match=r"cannot be read|not a regular file"):
        read_snapshot(name)


def test_a_document_appears_whole_with_the_modes_of_any_new_file(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    write_document(path, [b"whole"], force=False)
    mask = os.umask(0)
    os.umask(mask)
    assert path.read_bytes() == b"whole"
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask
    assert [each.name for each in tmp_path.iterdir()] == ["out.json"]


def test_an_existing_file_stays_without_force(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_bytes(b"old")
    with pytest.raises(UsageError, match=r"exists.*--force"):
        write_document(path, [b"new"], force=False)
    assert path.read_bytes() == b"old"


def test_a_dangling_link_counts_as_existing(tmp_path: Path) -> None:
    path = tmp_path / "link"
    path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"exists"):
        write_document(path, [b"new"], force=False)


def test_force_replaces_the_file_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_bytes(b"old")
    path.chmod(0o640)
    write_document(path, [b"new"], force=True)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", 0o640)


def test_force_writes_through_a_link_and_leaves_the_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write_document(link, [b"new"], force=True)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize(
    ("name", "words"),
    [("missing/out.json", "does not exist"), (".", "is a directory"), ("socket", "not a regular")],
)
def test_a_place_that_cannot_hold_a_document_is_refused(tmp_path: Path, name: str, words: str) -> None:
    os.mknod(tmp_path / "socket", stat.S_IFSOCK | 0o600)
    with pytest.raises(UsageError, match=words):
        write_document(tmp_path / name, [b"new"], force=True)


@pytest.mark.parametrize("force", [False, True])
def test_a_device_takes_the_document_and_stays_a_device(*, force: bool) -> None:
    write_document(Path(os.devnull), [b"new"], force=force)
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


def test_a_pipe_takes_the_document_whole(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_document(pipe, [b"ne", b"w"], force=False)
    assert os.read(reader, 100) == b"new"
    os.close(reader)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_full_device_is_one_sentence() -> None:
    with pytest.raises(OutputError, match="/dev/full was not written: No space left on device"):
        write_document(Path("/dev/full"), [b"new"], force=False)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_bytes(b"old")
    command = [sys.executable, "-c", WRITE_BEYOND_A_LIMIT, str(path)]
    done = children.run(command, check=True)
    assert "was not written: File too large" in done.stdout
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["out.json"]


def test_who_is_ended_just_as_the_file_was_made_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, made = os.open, []

    def ended(name: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        descriptor = real(name, flags, mode, dir_fd=dir_fd)
        if Path(name).parent == tmp_path:
            os.close(descriptor)
            made.append(name)
            raise KeyboardInterrupt
        return descriptor

    monkeypatch.setattr(os, "open", ended)
    with pytest.raises(KeyboardInterrupt):
        write_document(tmp_path / "d.json", [b"new"], force=False)
    monkeypatch.undo()
    assert len(made) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_document_may_have_as_long_a_name_as_the_file_system_takes(tmp_path: Path) -> None:
    path = tmp_path / ("\N{EURO SIGN}" * 83 + ".json")
    write_document(path, [b"new"], force=False)
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"new"]


def test_what_goes_wrong_where_pieces_are_made_is_no_fault_of_the_place(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"new"
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with pytest.raises(OSError, match="Too many open files"):
        write_document(tmp_path / "out.json", pieces(), force=False)
    assert not list(tmp_path.iterdir())
    with pytest.raises(OSError, match="Too many open files"):
        deliver_pieces(pieces(), None, force=False)


def test_a_full_filesystem_leaves_nothing_behind(tmp_path: Path) -> None:
    mounted = tmp_path / "small"
    mounted.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(mounted)]
    if children.run(mount).returncode != 0:
        pytest.skip("mounting a small tmpfs needs root")
    try:
        with pytest.raises(OutputError, match=r"No space left.*Free some space"):
            write_document(mounted / "out.json", [b"n" * 1_000_000], force=False)
        assert not list(mounted.iterdir())
    finally:
        children.run(["umount", str(mounted)], check=True)


def test_a_directory_that_may_not_be_written_is_one_sentence(tmp_path: Path) -> None:
    closed = Path("/proc/self") if os.geteuid() == 0 else tmp_path
    closed.chmod(0o500) if closed == tmp_path else None
    with pytest.raises(OutputError, match="was not written"):
        write_document(closed / "out.json", [b"new"], force=False)


def test_a_document_is_read_in_little_more_memory_than_it_needs(saved: Path) -> None:
    code = (
        "import resource, sys; from memcollect.documents.files import read_snapshot\n"
        "resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20)); read_snapshot(sys.argv[1])"
    )
    done = children.run([sys.executable, "-c", code, str(saved)])
    assert (done.returncode, done.stderr) == (0, "")
