"""A run that has begun, and the bundle that one process at a time is at work in."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from memcollect.documents.run import Event
from memcollect.errors import UsageError
from memcollect.profile.plan.model import Plan
from memcollect.profile.record import Record
from memcollect.profile.sandboxes.source import Source
from memcollect.sources.plain import plain

SOURCE_NAME = "source.toml"
"""What --source gave, beside the plan."""
FOLDER_EVENT = "template-folder"
"""The event that tells where a template's file is from."""


@dataclass(frozen=True, kw_only=True)
class Begun:
    """What a runner needs of a run that is new, or goes on."""

    plan: Plan
    source: Source
    record: Record
    directory: Path
    events: list[Event]
    """Of earlier parts."""
    altered: list[str] = field(default_factory=list)
    """Sentences on files that are not as the run left them, of one that is only cleaned up after."""


@contextlib.contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Hold a bundle for this process.

    Raises UsageError where another one is at work in it, or where there is no directory.
    """
    try:
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        why = "" if isinstance(error, FileNotFoundError) else f": {error.strerror}"
        raise UsageError(
            f"There is no directory {plain(str(directory))}{why}.", "Name the bundle of a run."
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UsageError(
                f"Another memcollect is at work in {directory}.", "Wait until it has ended."
            ) from error
        yield
    finally:
        os.close(handle)
