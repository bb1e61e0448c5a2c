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
import hashlib
import os
import re
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatch
from pathlib import Path
from urllib.parse import quote, unquote

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from memcollect.alone import alone
from memcollect.archive.columns import ARCHIVE_VERSION, TABLES
from memcollect.archive.writing import is_whole
from memcollect.documents.files import MAX_WRITTEN_BYTES, STDIN, read_bytes, shown, write_document
from memcollect.errors import DocumentError, OutputError, SchemaError, UsageError
from memcollect_agent import __version__

MARK = "_archive.json"
LOCK = "_lock"
_LEFT_MARKS = f".{MARK}.*.part"
"""What an export leaves that was killed when it had just begun (documents.files.write_document)."""
STAGING = "_staging"
LAST = "snapshots"
_MOMENTS = ("captured_at", "finished_at", "mode")
"""Columns of `snapshots` that are alike where two of its files are of one measurement."""
MOST_NAME_BYTES = 200
"""Of a cluster's name in a folder's; file systems take 255."""
_FILE = re.compile(r"(date=[^/]+/cluster=[^/]+)/([0-9a-f]{64})\.parquet")
_UNREADABLE = (OSError, pa.ArrowException, LookupError)


class _Mark(msgspec.Struct):
    archive_version: int
    written_by: str = ""


Places = dict[Path, dict[str, Path]]
"""A snapshot's files by "date=…/cluster=…" and table. It has one place, but where hands were at work."""


class Archive:
    """An archive that is held for changes. What is half of an export was removed; `broken_off` counts it."""

    def __init__(self, directory: Path) -> None:
        """Look which snapshots `directory` holds, and remove what was left of exports."""
        self._directory = directory
        shutil.rmtree(directory / STAGING, ignore_errors=True)
        self._snapshots: defaultdict[str, Places] = defaultdict(dict)
        self._foreign: list[Path] = []
        self._days: dict[str, dict[tuple[object, ...], list[str]]] = {}
        for table in TABLES:
            for path in (directory / table).glob("*/*/*.parquet"):
                if match := _FILE.fullmatch(path.relative_to(directory / table).as_posix()):
                    self._snapshots[match[2]].setdefault(Path(match[1]), {})[table] = path
                else:
                    self._foreign.append(path)
        self.broken_off = sum(self._remove_halves(sha256) for sha256 in list(self._snapshots))

    def faults(self) -> Iterator[str]:
        """Say of each file why questions fail at it, miss rows without it, or count rows twice with it."""
        for places in self._snapshots.values():
            for place, files in places.items():
                for table in TABLES:
                    path = files.get(table, self._directory / table / place / files[LAST].name)
                    if not path.is_file() or not is_whole(path, table):
                        file = _json_name(files[LAST])
                        yield f"{path} is missing or damaged: export {file} again, which mends it."
            first, *more = (files[LAST] for files in places.values())
            for path in more:
                yield (
                    f"{path} is a snapshot that {first.parent} has too, so that its rows count twice: remove"
                    " the files of this name under one of the two, in every table."
                )
        for path in self._foreign:
            yield f"{path} is none of this archive's files, and questions read it too: move it elsewhere."

    def cluster_of(self, sha256: str) -> str | None:
        """Return under which cluster's name the snapshot is held, whole; None where it is not."""
        for files in self._snapshots.get(sha256, {}).values():
            if set(TABLES) <= files.keys() and all(is_whole(path, table) for table, path in files.items()):
                return unquote(files[LAST].parent.name.partition("=")[2])
        return None

    def same_as(self, sha256: str, staged: Path, date: str) -> str | None:
        """Return of which file the archive holds the measurement that is in `staged`; None: of none.

        Explained or laid out anew, a measurement has another hash; its moments and pods are the same.
        """
        if sha256 in self._snapshots:
            return None
        if date not in self._days:
            self._days[date] = self._of_day(date)
        for other in self._days[date].get(_moments_in(staged / f"{LAST}.parquet"), []):
            for files in self._snapshots.get(other, {}).values():
                pods = _pods_in(files["pods"]) if "pods" in files else None
                if pods is not None and pods == _pods_in(staged / "pods.parquet"):
                    return _json_name(files[LAST])
        return None

    def _of_day(self, date: str) -> dict[tuple[object, ...], list[str]]:
        """Return the snapshots of a day by their moments."""
        found: defaultdict[tuple[object, ...], list[str]] = defaultdict(list)
        for path in (self._directory / LAST / f"date={date}").glob("*/*.parquet"):
            found[_moments_in(path)].append(path.stem)
        return found

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Give a directory for files in the making, which is removed when the block ends."""
        place = self._directory / STAGING
        place.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place) as made:
            yield Path(made)

    def add(self, sha256: str, staged: Path, date: str, cluster: str) -> None:
        """Put a snapshot's files in their places, in the place of damaged ones of its own."""
        for files in self._snapshots.pop(sha256, {}).values():
            _remove(files)
        place = Path(f"date={date}", f"cluster={folder_name(cluster)}")
        added = {table: self._directory / table / place / f"{sha256}.parquet" for table in TABLES}
        for table, target in added.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            (staged / f"{table}.parquet").replace(target)
            _flush(target.parent)
        self._snapshots[sha256][place] = added
        if date in self._days:
            self._days[date].setdefault(_moments_in(added[LAST]), []).append(sha256)

    def _remove_halves(self, sha256: str) -> bool:
        """Remove a snapshot's files from where its row is not; return whether there were any."""
        places = self._snapshots[sha256]
        halves = [place for place, files in places.items() if LAST not in files]
        for place in halves:
            _remove(places.pop(place))
        if not places:
            del self._snapshots[sha256]
        return bool(halves)


def _remove(files: dict[str, Path]) -> None:
    # The one that makes the others count goes first.
    for table in reversed(TABLES):
        if table in files:
            files[table].unlink(missing_ok=True)


def folder_name(cluster: str) -> str:
    """Return a cluster's name as Hive writes it in a folder's: whatever is special as %XX.

    One that is too long is cut, and ends with what tells it from others that begin alike.
    """
    name = quote(cluster, safe="") or "unnamed"
    if len(name) <= MOST_NAME_BYTES:
        return name
    end = f"~{hashlib.sha256(cluster.encode()).hexdigest()[:8]}"
    while len(name) > MOST_NAME_BYTES - len(end):
        cluster = cluster[:-1]
        name = quote(cluster, safe="")
    return name + end


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
        place = error.filename2 or error.filename
        at = f" ({place})" if place and str(place) != str(directory) else ""
        raise OutputError(
            f"The archive {directory} could not be written: {error.strerror or error}{at}.",
            "Free some space and export again: what is in it is unchanged."
            if full
            else "Choose a directory you may write to.",
        ) from error


def _make(directory: Path) -> None:
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"{directory} is no directory.", "Name a directory for the archive.")
    directory.mkdir(parents=True, exist_ok=True)
    # Listed before the mark is looked for, which another export may be putting there with all else.
    names = {path.name for path in directory.iterdir()} - {MARK, LOCK, STAGING}
    others = sorted(name for name in names if not fnmatch(name, _LEFT_MARKS))
    if others and not os.path.lexists(directory / MARK):
        raise UsageError(
            f"{directory} holds something else than an archive: {others[0]}.",
            f"Name an empty or new directory (an archive has {MARK}).",
        )


def _check_version(directory: Path) -> None:
    mark = directory / MARK
    if not os.path.lexists(mark):
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
    """Return which file a snapshot was exported from; its hash where it was piped, or its row is damaged."""
    with suppress(*_UNREADABLE):
        file = str(_columns(path, "file")[0][0])
        if file != shown(STDIN):
            return file
    return f"the snapshot with the SHA-256 {path.stem}"


def _moments_in(path: Path) -> tuple[object, ...]:
    """Return when the snapshot was taken of which this is the row; nothing where it cannot be read."""
    try:
        return tuple(column[0] for column in _columns(path, *_MOMENTS))
    except _UNREADABLE:
        return ()


def _pods_in(path: Path) -> set[tuple[object, ...]] | None:
    """Return which pods a file of the table `pods` has; None where it cannot be read."""
    try:
        return set(zip(*_columns(path, "pod_uid", "pod"), strict=True))
    except _UNREADABLE:
        return None


def _columns(path: Path, *names: str) -> list[list[object]]:
    """Return columns of a file, which is opened by us: of some relative names pyarrow makes URIs."""
    with path.open("rb") as stream:
        table = pq.ParquetFile(stream).read(columns=list(names))
    return [table[name].to_pylist() for name in names]


def _flush(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
