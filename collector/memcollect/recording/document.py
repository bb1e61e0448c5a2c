"""What a recording is: the files that the agent read below a machine's root directory, and what was read.

proc, sys and sys/fs/cgroup are laid out as on the machine. Three things are otherwise: /proc/PID/exe is a
file that holds what the link says, for a recording has no links; names of pods and containers are kept as one
runtime's store and the kubelet's log directories have them, whoever knew them; and ABOUT says what it is.

Files that the kernel makes anew at each read are there once, as they were when they were read first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import Struct, field

from memcollect.documents.snapshot import Tool

RECORDING_VERSION = 1
ABOUT = "recording.json"
LOGS = "var/log/pods"
CONTAINERS = "var/lib/docker/containers"
CONTAINER_NAME = "config.v2.json"
MOST_FILES = 200_000
MOST_BYTES = 256 << 20
"""Of all files together: a node with a thousand pods has a tenth of it."""


class About(Struct, frozen=True, kw_only=True):
    """What a recording says of itself."""

    recording_version: int = RECORDING_VERSION
    tool: Tool = field(default_factory=Tool)
    recorded_at: str = ""
    """ISO 8601, UTC."""
    page_size_bytes: int
    """Of the machine: counters of pages can only be read on one that has the same."""
    patterns: list[str] = field(default_factory=list)
    """What was asked for; empty: everything that a snapshot takes by itself."""
    redacted: bool = False
    """Whether its names were replaced by `memcollect redact`."""


@dataclass(frozen=True)
class Recording:
    """A recording in memory."""

    about: About
    files: Mapping[str, bytes]
    """By path: relative, with "/" between its parts, none of them ".."; ABOUT is not among them."""
