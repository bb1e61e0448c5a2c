"""The directory of an archive: a file for each table and snapshot, which comes there whole, once, or not.

    DIR/_archive.json                       the version of the tables
    DIR/_lock                               held while anything is changed
    DIR/_staging/…                          files in the making
    DIR/pods/date=2026-11-29/cluster=prod/SHA256.parquet
    DIR/snapshots/date=2026-11-29/cluster=prod/SHA256.parquet

Engines pass over what begins with "_". A snapshot's file in `snapshots` is put there last: whatever bears a
hash that is not there was left by an export that was broken off, and the next one removes it.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, unquote

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from memcollect.alone import alone
from memcollect.archive.columns import ARCHIVE_VERSION, TABLES
from memcollect.archive.writing import is_whole
from memcollect.documents.files import MAX_WRITTEN_BYTES, read_bytes, write_document
from memcollect.errors import DocumentError, OutputError, SchemaError, UsageError
from memcollect_agent import __version__

MARK = "_archive.json"
LOCK = "_lock"
_LEFT_MARKS = f".{MARK}.*.part"
"""What an export leaves that was killed when it had just begun (documents.files.write_document)."""
STAGING = "_staging"
LAST = "snapshots"
MOST_NAME_BYTES = 200
"""Of a cluster's name in a folder's; file systems take 255."""
_FILE = re.compile(r"([0-9a-f]{64})\.parquet")


class _Mark(msgspec.Struct):
    archive_version: int
    written_by: str = ""


class Archive:
    """An archive that is held for changes. What is half of an export was removed; `broken_off` counts it."""

    def __init__(self, directory: Path) -> None:
        """Look which snapshots `directory` holds, and remove what was left of exports."""
        self._directory = directory
        shutil.rmtree(directory / STAGING, ignore_errors=True)
        self._files: defaultdict[str, dict[str, Path]] = defaultdict(dict)
        for table in TABLES:
            for path in (directory / table).glob("date=*/cluster=*/*.parquet"):
                if match := _FILE.fullmatch(path.name):
                    self._files[match[1]][table] = path
        halves = [sha256 for sha256, files in self._files.items() if LAST not in files]
        self.broken_off = len(halves)
        for sha256 in halves:
            self._remove(sha256)

    def damaged(self) -> list[tuple[Path, str]]:
        """Return files that are cut short or not there, each with the name of its snapshot's JSON.

        Engines fail at the one, and miss rows without the other.
        """
        return [
            (path, _json_name(files[LAST]))
            for files in self._files.values()
            for table in TABLES
            if not (path := files.get(table, _sibling(files[LAST], table))).is_file() or not is_whole(path)
        ]

    def cluster_of(self, sha256: str) -> str | None:
        """Return under which cluster's name the snapshot is held, whole; None where it is not."""
        files = self._files.get(sha256, {})
        if not set(TABLES) <= files.keys() or not all(is_whole(path) for path in files.values()):
            return None
        return unquote(files[LAST].parent.name.partition("=")[2])

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Give a directory for files in the making, which is removed when the block ends."""
        place = self._directory / STAGING
        place.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place) as made:
            yield Path(made)

    def add(self, sha256: str, staged: Path, date: str, cluster: str) -> None:
        """Put a snapshot's files in their places, in the place of damaged ones of its own."""
        self._remove(sha256)
        for table in TABLES:
            place = self._directory / table / f"date={date}" / f"cluster={folder_name(cluster)}"
            place.mkdir(parents=True, exist_ok=True)
            target = place / f"{sha256}.parquet"
            (staged / f"{table}.parquet").replace(target)
            _flush(place)
            self._files[sha256][table] = target

    def _remove(self, sha256: str) -> None:
        # The one that makes the others count goes first.
        files = self._files.pop(sha256, {})
        for table in reversed(TABLES):
            if table in files:
                files[table].unlink(missing_ok=True)


def folder_name(cluster: str) -> str:
    """Return a cluster's name as Hive writes it in a folder's: whatever is special as %XX."""
    name = quote(cluster, safe="") or "unnamed"
    while len(name) > MOST_NAME_BYTES:
        cluster = cluster[:-1]
        name = quote(cluster, safe="")
    return name


@contextmanager
def held_archive(directory: Path, wait: Callable[[], object]) -> Iterator[Archive]:
    """Hold the archive in `directory`, which is made where there is none; `wait` is told of another holder.

    Raises UsageError where something else is there, SchemaError where a newer memcollect wrote it, and
    OutputError, also in the block, where files cannot be written.
    """
    try:
        _make(directory)
        with alone(directory / LOCK, wait):
            _check_version(directory)
            yield Archive(directory)
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        raise OutputError(
            f"The archive {directory} could not be written: {error.strerror or error}.",
            "Free some space and export again: what is in it is unchanged."
            if full
            else "Choose a directory you may write to.",
        ) from error


def _make(directory: Path) -> None:
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"{directory} is no directory.", "Name a directory for the archive.")
    directory.mkdir(parents=True, exist_ok=True)
    known = {MARK, LOCK, STAGING, *(left.name for left in directory.glob(_LEFT_MARKS))}
    if not (directory / MARK).exists() and (
        others := sorted(path.name for path in directory.iterdir() if path.name not in known)
    ):
        raise UsageError(
            f"{directory} holds something else than an archive: {others[0]}.",
            f"Name an empty or new directory (an archive has {MARK}).",
        )


def _check_version(directory: Path) -> None:
    mark = directory / MARK
    if not mark.exists():
        for left in directory.glob(_LEFT_MARKS):
            left.unlink()
        text = msgspec.json.encode(_Mark(ARCHIVE_VERSION, __version__)) + b"\n"
        write_document(mark, [text], force=False)
        return
    try:
        found = msgspec.json.decode(read_bytes(str(mark), MAX_WRITTEN_BYTES, "mark"), type=_Mark)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DocumentError(
            f"{mark} does not say which version the archive has: {error}.",
            f"Where this memcollect wrote it: echo '{{\"archive_version\":{ARCHIVE_VERSION}}}' > {mark}",
        ) from error
    if found.archive_version != ARCHIVE_VERSION:
        newer = found.archive_version > ARCHIVE_VERSION
        raise SchemaError(
            f"{directory} is an archive of version {found.archive_version}; "
            f"this memcollect writes {ARCHIVE_VERSION}.",
            "Upgrade memcollect here: pip install --upgrade 'memcollect[collector,archive]'."
            if newer
            else "Export the JSON files into a new directory.",
        )


def _json_name(path: Path) -> str:
    """Return which file the snapshot was exported from; its hash where its row cannot be read."""
    try:
        return str(pq.read_table(path, columns=["file"])["file"][0])
    except (OSError, pa.ArrowException):
        return f"the snapshot with the SHA-256 {path.stem}"


def _sibling(path: Path, table: str) -> Path:
    """Return the file of another table for the same snapshot."""
    *_, date, cluster, name = path.parts
    return path.parents[3] / table / date / cluster / name


def _flush(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
