"""The events of a run on disk: appended line by line, each there before the next thing happens.

A crash may cut the last line off. It is never joined to the next one, so that only what was being written is
lost.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from memcollect.documents.files import read_bytes
from memcollect.documents.run import EVENTS_NAME, Event, FileEntry
from memcollect.errors import OutputError

NO_ROOM = "Free some space; what was written before stays, and `profile --resume` goes on with a run."
ALTERED = "was altered: its checksum is not the manifest's"
"""What is said after the name of a bundle's file."""


def append_event(directory: Path, event: Event) -> None:
    """Append a line to the events of a bundle; it is on the disk when this returns. Raises OutputError."""
    target = directory / EVENTS_NAME
    try:
        with target.open("a+b") as stream:
            torn = b"" if _ends_with_a_line(stream.fileno()) else b"\n"
            stream.write(torn + msgspec.json.encode(event) + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        remedy = "What was written before stays." if error.errno != errno.ENOSPC else NO_ROOM
        raise OutputError(f"{target} cannot be written: {error.strerror or error}.", remedy) from error


def read_events(directory: Path) -> list[Event]:
    """Return the events of a bundle; a line that a crash cut off, and what is none, is left out."""
    path = directory / EVENTS_NAME
    found = []
    for line in read_bytes(str(path)).splitlines() if path.is_file() else []:
        with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            found.append(msgspec.json.decode(line, type=Event))
    return found


def only_more_events(directory: Path, entry: FileEntry) -> bool:
    """Return whether the events begin with those that `entry` has the checksum of.

    So they do after a crash: events are written before the manifest that counts them.
    """
    content = read_bytes(str(directory / EVENTS_NAME))[: max(entry.size_bytes, 0)]
    return len(content) == entry.size_bytes and hashlib.sha256(content).hexdigest() == entry.sha256


def is_of_a_crash(directory: Path, files: Iterable[FileEntry], problem: str) -> bool:
    """Return whether a bundle's problem is what a crash leaves: events that came after the manifest."""
    if problem != f"{EVENTS_NAME} {ALTERED}":
        return False
    entry = next((each for each in files if each.path == EVENTS_NAME), None)
    return entry is not None and only_more_events(directory, entry)


def _ends_with_a_line(file: int) -> bool:
    size = os.fstat(file).st_size
    return size == 0 or os.pread(file, 1, size - 1) == b"\n"
