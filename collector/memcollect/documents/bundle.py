"""Bundles on disk: read one back and hold every file against its checksum; write one, file by file.

Whatever is in a bundle may have been altered, and the manifest itself may name any path: only regular
files inside the directory are ever opened.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from memcollect.documents.events import ALTERED, append_event
from memcollect.documents.files import (
    MAX_DOCUMENT_BYTES,
    decode_snapshot,
    read_bytes,
    reading,
    write_document,
)
from memcollect.documents.run import (
    EVENTS_NAME,
    MANIFEST_NAME,
    REPORT_NAME,
    RUN_SCHEMA_VERSION,
    Event,
    FileEntry,
    RunManifest,
)
from memcollect.documents.snapshot import Snapshot
from memcollect.errors import DocumentError, OutputError, SchemaError, UsageError

MAX_MANIFEST_BYTES = 256 << 20
"""A thousand times that of the longest run we know of."""


@dataclass(frozen=True)
class Bundle:
    """A run as it was found: `problems` says, a sentence each, what is not as the run left it."""

    manifest: RunManifest
    sha256: str
    """Of the manifest's file, which holds the hashes of all the others."""
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    """By path in the bundle; those whose file is missing, altered or unreadable are left out."""
    problems: list[str] = field(default_factory=list)


def is_bundle(path: str) -> bool:
    """Return whether `path` is to be read as a bundle: a directory, or the manifest in one."""
    # Path's own raise where nobody may look: what reads it then says so.
    return os.path.isdir(path) or (Path(path).name == MANIFEST_NAME and os.path.isfile(path))  # noqa: PTH112, PTH113


def read_bundle(path: str) -> Bundle:
    """Return the bundle in the directory `path` (its manifest may be named, too).

    Raises DocumentError where it has no readable manifest, SchemaError where another version wrote it.
    What else is wrong with it is in `problems`.
    """
    with reading(path):
        directory = Path(path) if Path(path).is_dir() else Path(path).parent
        there = is_bundle(path) and (directory / MANIFEST_NAME).is_file()
    if not there:
        raise DocumentError(
            f"{path} is no bundle: it has no {MANIFEST_NAME}.",
            "Name a directory that `profile` or `evidence` left.",
        )
    data = read_bytes(str(directory / MANIFEST_NAME), MAX_MANIFEST_BYTES, "manifest")
    manifest = _decode(data, str(directory / MANIFEST_NAME))
    problems = [*_repeated(manifest)]
    good: dict[str, bytes] = {}
    used = {name for run in manifest.phases for name in run.snapshots}
    left_bytes = MAX_DOCUMENT_BYTES
    for entry in {each.path: each for each in manifest.files}.values():
        content, problem = checked(directory, entry, left_bytes)
        left_bytes -= len(content or b"")
        problems += [problem] if problem else []
        if content is not None and entry.path in used:
            good[entry.path] = content
    unlisted = sorted(used - {entry.path for entry in manifest.files})
    problems += [f"{name} has no checksum in the manifest" for name in unlisted]
    snapshots: dict[str, Snapshot] = {}
    for name, content in good.items():
        try:
            snapshots[name] = decode_snapshot(content, name)
        except DocumentError as error:
            problems.append(error.sentence.rstrip("."))
    return Bundle(manifest, hashlib.sha256(data).hexdigest(), snapshots, problems)


def _decode(data: bytes, name: str) -> RunManifest:
    try:
        head = msgspec.json.decode(data, type=dict[str, Any])
        version = head.get("run_schema_version")
        if isinstance(version, int) and not isinstance(version, bool) and version != RUN_SCHEMA_VERSION:
            raise SchemaError(
                f"{name} has schema {version}; this memcollect reads {RUN_SCHEMA_VERSION}.",
                "Read it with the version that wrote it, or upgrade memcollect here.",
            )
        return msgspec.json.decode(data, type=RunManifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DocumentError(f"{name} is not the manifest of a run: {error}.") from error


def _repeated(manifest: RunManifest) -> Iterator[str]:
    """Yield what would count one measurement as several."""
    paths = [name for run in manifest.phases for name in run.snapshots]
    for name in _more_than_once(paths):
        yield f"{name} stands for more than one measurement"
    for name in _more_than_once(entry.path for entry in manifest.files):
        yield f"{name} stands in the manifest's files more than once"
    used = set(paths)
    hashes = [entry.sha256 for entry in manifest.files if entry.path in used]
    if len(set(hashes)) < len(hashes):
        yield "two of the snapshots are the same file"


def _more_than_once(names: Iterable[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)


def checked(
    directory: Path, entry: FileEntry, left_bytes: int = MAX_DOCUMENT_BYTES
) -> tuple[bytes | None, str]:
    """Return a bundle's file's content, or None and the sentence that says what is wrong.

    A file of another size than the entry's is not read, nor one of more than `left_bytes`.
    """
    try:
        return _content(directory, entry, left_bytes), ""
    except DocumentError as error:
        return None, error.sentence.rstrip(".")


def _content(directory: Path, entry: FileEntry, left_bytes: int) -> bytes:
    name = entry.path
    inside = _inside(directory, name)
    if inside is None:
        raise DocumentError(f"{name} points out of the bundle.")
    try:
        status = inside.lstat()
    except FileNotFoundError as error:
        raise DocumentError(f"{name} is missing.") from error
    except OSError as error:
        raise DocumentError(f"{name} cannot be read: {error.strerror or error}.") from error
    if stat.S_ISREG(status.st_mode) and status.st_size > left_bytes:
        raise DocumentError(f"{name} is not read: the bundle has more than {MAX_DOCUMENT_BYTES >> 30} GiB.")
    # One of another size need not be read to be known for altered, however large it is.
    content = b"" if _of_other_size(status, entry) else read_bytes(str(inside))
    if len(content) != entry.size_bytes or hashlib.sha256(content).hexdigest() != entry.sha256:
        raise DocumentError(f"{name} {ALTERED}.")
    return content


def _of_other_size(status: os.stat_result, entry: FileEntry) -> bool:
    return stat.S_ISREG(status.st_mode) and status.st_size != entry.size_bytes


def _inside(directory: Path, name: str) -> Path | None:
    """Return the real path of a bundle's file; None where it is not in the bundle."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\0" in name:
        return None
    root = directory.resolve()
    try:
        found = root.joinpath(*parts).resolve()
    except (OSError, RuntimeError):  # links that lead round and round
        return None
    return found if found.is_relative_to(root) and found != root else None


class BundleWriter:
    """Writes a bundle: every file whole or not at all, the manifest last.

    `entries` are those of the manifest of a broken run that is resumed.
    """

    def __init__(self, directory: Path, entries: Iterable[FileEntry] = ()) -> None:
        """Write into `directory`, which must exist."""
        self._directory = directory
        unlisted = (EVENTS_NAME, REPORT_NAME)
        self._entries = {entry.path: entry for entry in entries if entry.path not in unlisted}

    @classmethod
    def create(cls, directory: Path) -> BundleWriter:
        """Return the writer of a new bundle.

        Raises UsageError where something stands at its place, OutputError where it cannot be made.
        """
        try:
            directory.mkdir(parents=True)
        except FileExistsError as error:
            resumable = os.path.isfile(directory / MANIFEST_NAME)  # noqa: PTH113 # Path's raises where nobody may look
            raise UsageError(
                f"{directory} exists{'' if resumable else ', and no run is in it'}.",
                f"Choose another place{', or resume the run that is in it' if resumable else ''}.",
            ) from error
        except OSError as error:
            raise OutputError(f"{directory} cannot be made: {error.strerror or error}.") from error
        return cls(directory)

    def write(self, path: str, content: bytes) -> FileEntry:
        """Put a file in its place and return its entry, which the manifest will hold.

        Raises OutputError where it cannot be written, ValueError where `path` leaves the bundle.
        """
        target = _inside(self._directory, path)
        if target is None:
            raise ValueError(f"not a path in a bundle: {path!r}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{target.parent} cannot be made: {error.strerror or error}.") from error
        write_document(target, [content], force=True)
        entry = FileEntry(path=path, sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
        self._entries[path] = entry
        return entry

    def event(self, event: Event) -> None:
        """Append a line to the events; it is on the disk when this returns. Raises OutputError.

        The manifest must be written once more after the last event, or the events read as altered.
        """
        append_event(self._directory, event)

    def events_entry(self) -> FileEntry | None:
        """Return the entry of the events as they are now; None where there are none."""
        path = self._directory / EVENTS_NAME
        if not path.is_file():
            return None
        content = read_bytes(str(path))
        digest = hashlib.sha256(content).hexdigest()
        return FileEntry(path=EVENTS_NAME, sha256=digest, size_bytes=len(content))

    def write_page(self, text: str) -> None:
        """Write the page, which names the manifest's hash and so cannot be among its files.

        Raises OutputError where it cannot be written.
        """
        write_document(self._directory / REPORT_NAME, [text.encode()], force=True)

    def write_manifest(self, manifest: RunManifest) -> RunManifest:
        """Write the manifest with the entries of all files, the events as they are now; return it.

        May be called after every phase: a run that is broken off then leaves a bundle that can be read.
        """
        entries = dict(self._entries)
        events = self.events_entry()
        if events is not None:
            entries[EVENTS_NAME] = events
        complete = msgspec.structs.replace(manifest, files=[entries[path] for path in sorted(entries)])
        text = msgspec.json.format(msgspec.json.encode(complete), indent=2) + b"\n"
        write_document(self._directory / MANIFEST_NAME, [text], force=True)
        return complete
