"""Saved documents: read one back with a clear word for every way it can be wrong, write one whole.

A document is written beside its place and then moved there, so that whoever opens it sees the old one or
the new one and never half of either.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from memcollect.documents.run import MANIFEST_NAME, SNAPSHOT_FOLDER
from memcollect.documents.snapshot import SCHEMA_VERSION, SUMMARY_SCHEMA_VERSION, Snapshot
from memcollect.documents.summaries import all_restored
from memcollect.errors import DocumentError, OutputError, SchemaError, UsageError

STDIN = "-"
READ_BYTES = 1 << 20
MAX_DOCUMENT_BYTES = 4 << 30
"""Ten times the largest cluster we know of; without a ceiling `< /dev/zero` would eat the machine."""
MAX_WRITTEN_BYTES = 4 << 20
"""Of a plan, a table or a manifest, which a person or a program of theirs has written."""
NEW_FILE_MODE = 0o666
_NEW_FILE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_NAME_BYTES = 100
"""Of a document's name in that of the file in which it begins; file systems take 255."""
_PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zXZ": "xz", b"BZh": "bzip2"}
"""How files begin that were made smaller, and the program that unpacks them."""
READ_VERSIONS = (SCHEMA_VERSION, SUMMARY_SCHEMA_VERSION)


class _Head(msgspec.Struct):
    """What is looked at first: enough to say of which kind and version a document is."""

    schema_version: Any = None
    tool: Any = None
    process_errors: Any = None
    """Only the JSON of the script that memcollect replaces has it."""
    sampled_at: Any = None
    checked_at: Any = None
    catalogues: Any = None
    phase: Any = None
    run_schema_version: Any = None
    evidence_schema_version: Any = None
    comparison_schema_version: Any = None


_NAME_A_SNAPSHOT = "Name a snapshot of that run, or its directory to `memcollect compare`."
_OTHERS = {
    "sampled_at": (
        "one node's sample from memcollect-agent",
        "A snapshot joins samples with names: see `memcollect snapshot --help`.",
    ),
    "checked_at": ("a report of `memcollect doctor`", "It explains itself: its remedies say what to do."),
    "catalogues": ("a matrix of evidence", "`memcollect evidence --show` shows bundles as a page."),
    "phase": ("the log of a run", _NAME_A_SNAPSHOT),
    "run_schema_version": ("the manifest of a run", _NAME_A_SNAPSHOT),
    "evidence_schema_version": (
        "a file of evidence",
        "`memcollect evidence --show` shows the bundle that it is in.",
    ),
    "comparison_schema_version": ("a comparison", "Name the snapshots or runs that it compares."),
}
"""By a field that only they have: other documents of memcollect, each with what it is and what to do."""


def read_snapshot(name: str) -> Snapshot:
    """Return the snapshot saved in the file `name`, or on standard input for "-".

    Raises DocumentError, or SchemaError where another version wrote it.
    """
    return decode_snapshot(_read(name), shown(name))


def read_bytes(name: str, most_bytes: int = MAX_DOCUMENT_BYTES, what: str = "snapshot") -> bytes:
    """Return the content of the regular file `name`, or of standard input for "-".

    Raises DocumentError where it cannot be read, is no regular file, or is larger than `most_bytes`; `what`
    it is meant to be is said then.
    """
    return _read(name, most_bytes, what)


def read_written(name: str, what: str) -> bytes:
    """Return the content of a regular file that a person has written; `what` it is meant to be is said.

    Raises DocumentError where it cannot be read, or is larger than MAX_WRITTEN_BYTES. "-" is a file's name.
    """
    return _read(name if name != STDIN else f"./{STDIN}", MAX_WRITTEN_BYTES, what)


def decode_snapshot(data: bytes, shown_name: str) -> Snapshot:
    """Return the snapshot that `data` is the JSON of; `shown_name` is what messages call it.

    Raises DocumentError, or SchemaError where another version wrote it.
    """
    if not data.strip():
        raise DocumentError(f"{shown_name} is empty.", "Take the snapshot again with --format json -o FILE.")
    for begin, program in _PACKED.items():
        if data.startswith(begin):
            raise DocumentError(
                f"{shown_name} is compressed with {program}.",
                f"Name what this unpacks, or - for it through a pipe: {program} -dc FILE",
            )
    try:
        head = msgspec.json.decode(data, type=_Head)
        _check_version(head, shown_name)
        return all_restored(msgspec.json.decode(data, type=Snapshot))
    except msgspec.ValidationError as error:
        raise DocumentError(
            f"{shown_name} is not a memcollect snapshot: {error}.",
            "Name what `memcollect snapshot --format json -o FILE` wrote.",
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DocumentError(
            f"{shown_name} is not JSON, or is cut short: {error}.",
            "Name what `memcollect snapshot --format json -o FILE` wrote.",
        ) from error


def _check_version(head: _Head, shown_name: str) -> None:
    """Refuse what this program would misread. Unknown *fields* are fine: newer writers may add some."""
    version = head.schema_version
    for field, (what, remedy) in _OTHERS.items():
        if getattr(head, field) is not None:
            raise DocumentError(f"{shown_name} is {what}, not a snapshot.", remedy)
    if version == 1 and head.process_errors is not None:
        raise SchemaError(
            f"{shown_name} was written by the older profile script (schema 1), without kernel counters.",
            "There is nothing in it to explain; take a new snapshot.",
        )
    if not isinstance(version, int) or isinstance(version, bool):
        raise DocumentError(f"{shown_name} is not a memcollect snapshot: it has no schema_version.")
    if version in READ_VERSIONS:
        return
    what_to_do = (
        "Upgrade memcollect here: pip install --upgrade 'memcollect[collector]'."
        if version > max(READ_VERSIONS)
        else "Take a new snapshot, or read it with the version that wrote it."
    )
    read = " and ".join(map(str, READ_VERSIONS))
    raise SchemaError(
        f"{shown_name} has schema {version}{_writer(head.tool)}; this memcollect reads {read}.", what_to_do
    )


def _writer(tool: Any) -> str:
    version = tool.get("version") if isinstance(tool, dict) else None
    return f", written by memcollect {version}" if isinstance(version, str) and version else ""


def shown(name: str) -> str:
    """Return what messages call the file `name`."""
    return "standard input" if name == STDIN else name


def _read(name: str, most_bytes: int = MAX_DOCUMENT_BYTES, what: str = "snapshot") -> bytes:
    shown_name = shown(name)
    with open_document(name, most_bytes, what) as stream, reading(shown_name):
        return _read_limited(stream, shown_name, most_bytes, what)


@contextlib.contextmanager
def open_document(
    name: str, most_bytes: int = MAX_DOCUMENT_BYTES, what: str = "snapshot"
) -> Iterator[BinaryIO]:
    """Give the regular file `name` to read, or standard input for "-".

    Raises DocumentError where it cannot be opened, is no regular file, or is larger than `most_bytes`; `what`
    it is meant to be is said then.
    """
    if name == STDIN:
        yield sys.stdin.buffer
        return
    with reading(name):
        # Without O_NONBLOCK the mere opening of a FIFO waits for a writer, perhaps for ever.
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        _check_kind(os.fstat(descriptor), name, most_bytes, what)
        with open(descriptor, "rb", closefd=False) as stream:
            yield stream
    finally:
        os.close(descriptor)


def _check_kind(status: os.stat_result, name: str, most_bytes: int, what: str) -> None:
    if stat.S_ISDIR(status.st_mode) and what.startswith("snapshot") and _is_run(name):
        raise DocumentError(
            f"{name} is the directory of a run.",
            f"Name a snapshot of those in {name.rstrip('/')}/{SNAPSHOT_FOLDER}; `memcollect compare` reads"
            " the whole.",
        )
    if not stat.S_ISREG(status.st_mode):
        remedy = (
            "Name a saved snapshot, or - for stdin."
            if what == "snapshot"
            else f"Name a regular file that holds a {what}."
        )
        raise DocumentError(f"{name} is not a regular file.", remedy)
    if status.st_size > most_bytes:
        raise too_large(name, most_bytes, what)


def _is_run(directory: str) -> bool:
    return os.path.isfile(os.path.join(directory, MANIFEST_NAME))  # noqa: PTH113, PTH118 -- any text


@contextlib.contextmanager
def reading(shown_name: str) -> Iterator[None]:
    """Turn what the system says of a file that cannot be read into a DocumentError."""
    try:
        yield
    except OSError as error:
        raise DocumentError(f"{shown_name} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:  # a NUL in the name
        raise DocumentError(f"{shown_name} cannot be read: {error}.") from error


def _read_limited(stream: BinaryIO, shown_name: str, most_bytes: int, what: str) -> bytes:
    # Piece by piece: one read of the limit's size would first reserve that much memory.
    data = bytearray()
    while piece := stream.read(READ_BYTES):
        data += piece
        if len(data) > most_bytes:
            raise too_large(shown_name, most_bytes, what)
    return bytes(data)


def too_large(shown_name: str, most_bytes: int, what: str) -> DocumentError:
    """Return the error of a document that is larger than any is."""
    size = f"{most_bytes >> 30} GiB" if most_bytes >= 1 << 30 else f"{most_bytes >> 20} MiB"
    return DocumentError(f"{shown_name} is larger than {size}: no {what} is.")


def check_target(path: Path, *, force: bool) -> None:
    """Raise UsageError where `write_document` could not put a document, before anything is measured.

    OutputError where nobody may look at its place, or no file system takes its name.
    """
    try:
        _check_place(path, force=force)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {_why(error)}.", _what_to_do(error)) from error


def _check_place(path: Path, *, force: bool) -> None:
    directory = path.parent
    if not directory.is_dir():
        raise UsageError(f"{path}: the directory {directory} does not exist.", "Make it, or choose another.")
    if path.is_dir():
        raise UsageError(f"{path} is a directory.", "Name a file in it.")
    if _takes_a_stream(path):
        return
    if path.exists() and not path.is_file():
        raise UsageError(
            f"{path} is not a regular file.", "Leave -o out and redirect standard output instead."
        )
    if os.path.lexists(path) and not force:
        raise UsageError(f"{path} exists.", "Choose another name, or overwrite it with --force.")


def write_document(path: Path, pieces: Iterable[bytes], *, force: bool) -> None:
    """Put `pieces`, one after another, at `path` in one step; with `force` in place of what stands there.

    What the iteration itself raises is raised on, and leaves nothing behind either.

    Raises OutputError (and leaves nothing behind) where the disk is full, the quota reached or the
    directory not writable, and UsageError where `path` exists and `force` is not given.
    """
    check_target(path, force=force)
    if _takes_a_stream(path):
        _write_through(path, pieces)
        return
    # A link is followed, so that the document it stands for is replaced and not the link.
    target = Path(os.path.realpath(path))
    # Named before it is made: what ends the program in between, a signal say, would else leave it behind.
    begin = os.fsdecode(os.fsencode(target.name)[:_MOST_NAME_BYTES])
    temporary = target.parent / f".{begin}.{secrets.token_hex(8)}.part"
    try:
        descriptor = os.open(temporary, _NEW_FILE_FLAGS, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            for piece in set_apart(pieces):
                stream.write(piece)
            stream.flush()
            os.fchmod(descriptor, _mode_for(target))
            os.fsync(descriptor)
        _move(temporary, target, force=force)
    except PiecesError as error:
        raise error.raised from None
    except OSError as error:
        raise OutputError(f"{path} was not written: {_why(error)}.", _what_to_do(error)) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


class PiecesError(Exception):
    """What the system said to who makes the pieces, and not to who writes them."""

    def __init__(self, raised: OSError) -> None:
        super().__init__(str(raised))
        self.raised = raised


def set_apart(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces. Raises PiecesError in place of an OSError of theirs."""
    try:
        yield from pieces
    except OSError as error:
        raise PiecesError(error) from error


def _takes_a_stream(path: Path) -> bool:
    """Tell whether `path` is a device such as /dev/null, or a pipe: writing there replaces nothing."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)


def _write_through(path: Path, pieces: Iterable[bytes]) -> None:
    whole = b"".join(pieces)
    try:
        path.write_bytes(whole)
    except OSError as error:
        raise OutputError(f"{path} was not written: {_why(error)}.", "Choose another place.") from error


def _move(temporary: Path, target: Path, *, force: bool) -> None:
    """Rename into place. Without `force` by a link, which fails where another file came meanwhile."""
    if force:
        temporary.replace(target)
        return
    try:
        os.link(temporary, target)
    except FileExistsError as error:
        raise UsageError(f"{target} exists.", "Choose another name, or overwrite it with --force.") from error
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}:
            raise
        # A filesystem without hard links (FAT, some network mounts).
        temporary.replace(target)
        return
    temporary.unlink()


def _mode_for(target: Path) -> int:
    """Return the mode of the file to be replaced, or what any new file would get here."""
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except OSError:
        mask = os.umask(0o077)
        os.umask(mask)
        return NEW_FILE_MODE & ~mask


def _why(error: OSError) -> str:
    return error.strerror or str(error)


def _what_to_do(error: OSError) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return "Free some space or choose another place; what stood there before is unchanged."
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return "Choose a directory you may write to."
    return "Choose another place."
