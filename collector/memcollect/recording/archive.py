"""Recordings on disk: a .tar.gz of regular files, or the same unpacked in a directory.

One may come from anybody, attached to an issue. Nothing of it is unpacked before all of it was looked at:
there are no links and no devices, every path stays below the recording, and there is a bound on its size.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import stat
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from memcollect.documents.files import read_bytes
from memcollect.errors import DocumentError, SchemaError
from memcollect.recording.document import (
    ABOUT,
    MOST_BYTES,
    MOST_FILES,
    RECORDING_VERSION,
    About,
    Recording,
)

MOST_ARCHIVE_BYTES = 64 << 20
_TOPS = frozenset({"proc", "sys", "var"})
_LONGEST_NAME, _LONGEST_PATH = 255, 3000
"""Bytes of one part, on any file system, and of a path, with room for where it is replayed."""
_FILE_MODE = 0o644
_NUMBERS = re.compile(r"\d+")
_BROKEN = (tarfile.TarError, EOFError, zlib.error, OSError, ValueError, OverflowError)


def encode(recording: Recording) -> bytes:
    """Return the archive: the same recording is the same bytes."""
    about = msgspec.json.format(msgspec.json.encode(recording.about), indent=2) + b"\n"
    out = io.BytesIO()
    # No time and no name of a file in it: gzip would keep both.
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path, data in [(ABOUT, about), *sorted(recording.files.items())]:
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(data), _FILE_MODE
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def is_recording(path: str) -> bool:
    """Return whether `path` is to be read as a recording: a file, or a directory that says it is one."""
    return os.path.isfile(path) or os.path.isfile(os.path.join(path, ABOUT))  # noqa: PTH113, PTH118 -- any text


def read_recording(path: str) -> Recording:
    """Return the recording in the archive or directory `path`.

    Raises DocumentError where it is none or holds what no recording has, and SchemaError where a newer
    memcollect made it.
    """
    members = _of_directory(Path(path)) if os.path.isdir(path) else _of_archive(path)  # noqa: PTH112
    files: dict[str, bytes] = {}
    size = 0
    for name, data in members:
        _check_name(path, name)
        if name in files:
            raise DocumentError(f"{path} is no recording: {_shown(name)} is in it twice.")
        size += len(data)
        if size > MOST_BYTES or len(files) >= MOST_FILES:
            raise DocumentError(
                f"{path} has more than {MOST_BYTES >> 20} MiB or {MOST_FILES:,} files: no recording has."
            )
        files[name] = data
    _check_folders(path, files)
    return Recording(_about(path, files.pop(ABOUT, None)), files)


def _of_archive(path: str) -> Iterator[tuple[str, bytes]]:
    data = read_bytes(path, MOST_ARCHIVE_BYTES, "recording")
    try:
        with (
            gzip.GzipFile(fileobj=io.BytesIO(data)) as packed,
            tarfile.open(fileobj=(stream := _Bounded(packed)), mode="r|") as archive,
        ):
            for member in archive:
                _check_inside(path, member.name)
                if member.isdir():
                    continue
                _check_kind(path, member)
                file = archive.extractfile(member)
                yield member.name.removeprefix("./"), file.read() if file else b""
            # gzip looks at its checksum where it ends, which is behind the last member.
            while stream.read(1 << 20):
                pass
    except _TooMuchError as error:
        raise DocumentError(
            f"{path} unpacks to more than {MOST_BYTES >> 20} MiB: no recording does."
        ) from error
    except _BROKEN as error:
        raise DocumentError(
            f"{path} is no recording, or is cut short: {error}.", "`memcollect record` makes them."
        ) from error


def _check_kind(path: str, member: tarfile.TarInfo) -> None:
    if member.islnk() or member.issym():
        raise DocumentError(f"{path} is no recording: {_shown(member.name)} in it is a link.")
    if not member.isreg():
        raise DocumentError(f"{path} is no recording: {_shown(member.name)} in it is no regular file.")


def _of_directory(root: Path) -> Iterator[tuple[str, bytes]]:
    for directory, folders, names in os.walk(root):
        for name in [*folders, *names]:
            place = Path(directory, name)
            mode = place.lstat().st_mode
            inside = str(place.relative_to(root))
            if stat.S_ISLNK(mode):
                raise DocumentError(f"{root} is no recording: {_shown(inside)} in it is a link.")
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise DocumentError(f"{root} is no recording: {_shown(inside)} in it is no regular file.")
            if stat.S_ISREG(mode):
                yield inside, read_bytes(str(place), MOST_BYTES, "recording")


def _check_inside(path: str, name: str) -> None:
    if name.startswith("/") or ".." in name.split("/"):
        raise DocumentError(f"{path} is no recording: {_shown(name)} in it leads out of it.")


def _check_name(path: str, name: str) -> None:
    parts = name.split("/")
    sizes = [len(part.encode("utf-8", "surrogatepass")) for part in parts]
    if max(sizes) > _LONGEST_NAME or sum(sizes) + len(parts) > _LONGEST_PATH:
        raise DocumentError(f"{path} is no recording: {_shown(name)}… is too long a name for a file.")
    if name != ABOUT and (parts[0] not in _TOPS or "" in parts or "." in parts or "\0" in name):
        raise DocumentError(f"{path} is no recording: {_shown(name)} is nothing that one has.")


def _check_folders(path: str, files: Mapping[str, bytes]) -> None:
    for name in files:
        parts = name.split("/")
        for end in range(1, len(parts)):
            if "/".join(parts[:end]) in files:
                raise DocumentError(f"{path} is no recording: {_shown(name)} in it is below a file.")


def _about(path: str, data: bytes | None) -> About:
    if data is None:
        raise DocumentError(f"{path} is no recording: it has no {ABOUT}.", "`memcollect record` makes them.")
    try:
        head = msgspec.json.decode(data, type=dict[str, Any])
        version = head.get("recording_version")
        if isinstance(version, int) and not isinstance(version, bool) and version != RECORDING_VERSION:
            raise SchemaError(
                f"{path} is a recording of version {version}; this memcollect reads {RECORDING_VERSION}.",
                "Upgrade memcollect here."
                if version > RECORDING_VERSION
                else "Read it with the version that made it.",
            )
        return msgspec.json.decode(data, type=About)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DocumentError(f"{path} is no recording: its {ABOUT} says nothing: {error}.") from error


def _shown(name: str) -> str:
    return ascii(name[:100])


class _TooMuchError(Exception):
    """What is packed becomes more than a recording may be."""


class _Bounded(io.RawIOBase):
    """A stream that ends with an error once more was read of it than a recording has, headers included."""

    def __init__(self, inner: gzip.GzipFile) -> None:
        self._inner = inner
        self._left = MOST_BYTES + MOST_FILES * 1024

    def read(self, size: int = -1, /) -> bytes:
        data = self._inner.read(size if size >= 0 else self._left + 1)
        self._left -= len(data)
        if self._left < 0:
            raise _TooMuchError
        return data
