"""A recording as the root directory of a machine, for `--local --root`."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from memcollect.errors import OutputError, UnsupportedError
from memcollect.recording.archive import read_recording
from memcollect.recording.document import Recording

_EXE = re.compile(r"proc/\d+/exe")


@contextmanager
def replayed(path: str) -> Iterator[str]:
    """Give the root directory of the machine that was recorded in `path`, for as long as it is used.

    Raises DocumentError where it is no recording, and UnsupportedError where it cannot be replayed here.
    """
    recording = read_recording(path)
    _require_same_pages(path, recording)
    with tempfile.TemporaryDirectory(prefix="memcollect-") as root:
        try:
            _lay_out(Path(root), recording.files)
        except FileExistsError as error:
            raise UnsupportedError(
                f"{path} has names that differ in case alone, which {tempfile.gettempdir()} takes for one.",
                "Set TMPDIR to a directory of a file system that tells them apart.",
            ) from error
        except OSError as error:
            raise OutputError(
                f"{path} could not be unpacked: {error.strerror or error}.",
                "Free some space, or set TMPDIR to a directory with more.",
            ) from error
        yield root


def _require_same_pages(path: str, recording: Recording) -> None:
    here, there = os.sysconf("SC_PAGE_SIZE"), recording.about.page_size_bytes
    if here != there:
        raise UnsupportedError(
            f"{path} is of a machine with pages of {there:,} bytes, and here they have {here:,}.",
            "Replay it on a machine that has the same.",
        )


def _lay_out(root: Path, files: Mapping[str, bytes]) -> None:
    programs = {name: data for name, data in files.items() if _EXE.fullmatch(name)}
    for name, data in files.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if name not in programs:
            _write_new(place, data)
    # Last, so that nothing is ever written through one; and nobody follows them: only what they say is read.
    for name, data in programs.items():
        if data and b"\0" not in data:
            (root / name).symlink_to(os.fsdecode(data))


def _write_new(place: Path, data: bytes) -> None:
    """Write a file that is not there yet. Raises FileExistsError where another is found by its name."""
    with place.open("xb") as file:
        file.write(data)
