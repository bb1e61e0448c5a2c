"""A node -> a recording: what the agent read of it while it was measured, and nothing else.

Command lines are masked as the agent masks them, and of /proc/mounts the lines of cgroup2 alone are kept.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from memcollect.documents.snapshot import Tool
from memcollect.errors import UnsupportedError
from memcollect.join import LocalNames
from memcollect.recording.document import (
    CONTAINER_NAME,
    CONTAINERS,
    LOGS,
    MOST_BYTES,
    MOST_FILES,
    About,
    Recording,
)
from memcollect.taking.local import LocalMeasure, LocalRequest, measure, survey
from memcollect.taking.local_node import measure_account
from memcollect_agent import __version__
from memcollect_agent.masking import masked, masked_arguments
from memcollect_agent.parse import cmdline
from memcollect_agent.read.files import witnessed
from memcollect_agent.wire import Problem

UNREAD = {
    "denied": "Run it as root.",
    "budget": "Raise --timeout, or name fewer pods.",
}
"""Reasons for which a replay would tell another story than the node, and what helps. Whatever else could not
be read cannot be read in the replay either, and so is told alike."""
_COMMAND = re.compile(r"proc/\d+/cmdline")
_PROCESS = re.compile(r"proc/(\d+)/")


@dataclass(frozen=True)
class Recorded:
    """A recording, and what was measured while it was made."""

    recording: Recording
    measured: LocalMeasure


@dataclass
class _Seen:
    """A witness: what was read below the roots, as it was at the first time."""

    roots: Mapping[str, str]
    """The roots' places on this machine, by what they are called in a recording; the longest first."""
    files: dict[str, bytes] = field(default_factory=dict)
    size_bytes: int = 0

    def __call__(self, path: str, data: bytes) -> None:
        """Keep what was read; of a list of mappings that was read in part the longer part."""
        place = self._place(path)
        if place is None:
            return
        known = self.files.get(place)
        if known is not None and not (place.endswith("/smaps") and len(data) > len(known)):
            return
        self.size_bytes += len(data) - len(known or b"")
        self.files[place] = data
        if self.size_bytes > MOST_BYTES or len(self.files) > MOST_FILES:
            raise UnsupportedError(
                f"The recording would have more than {MOST_BYTES >> 20} MiB or {MOST_FILES:,} files.",
                "Name fewer pods.",
            )

    def _place(self, path: str) -> str | None:
        for name, root in self.roots.items():
            if path.startswith(f"{root}/"):
                return f"{name}{path[len(root) :]}"
        return None


def record(request: LocalRequest, recorded_at: str) -> Recorded:
    """Measure this machine, and return what was read for it as a recording.

    Raises UnsupportedError where it cannot be measured, where something that was asked for could not be read,
    so that a replay would tell another story, and where it would be too large.
    """
    roots = {
        "sys/fs/cgroup": request.cgroup_root.rstrip("/"),
        "proc": request.proc_root.rstrip("/"),
        "sys": request.sys_root.rstrip("/"),
    }
    looked_at, read, whole = _Seen(roots), _Seen(roots), _Seen(roots)
    with witnessed(looked_at):
        found = survey(request)
    with witnessed(read):
        measured = measure(request, found)
    _require_all(measured.sample.problems)
    if not request.patterns:
        with witnessed(whole):
            measure_account(
                cgroup_root=request.cgroup_root, proc_root=request.proc_root, sys_root=request.sys_root
            )
    others = {**whole.files, **looked_at.files} if not request.patterns else {}
    files = {**others, **_without_the_gone(read.files)}
    files = {path: _KEPT.get(path, _as_it_is)(data) for path, data in files.items()}
    files = {path: _masked(data) if _COMMAND.fullmatch(path) else data for path, data in files.items()}
    uids = {pod.uid for pod in measured.sample.pods} if request.patterns else None
    about = About(
        tool=Tool(version=__version__),
        recorded_at=recorded_at,
        page_size_bytes=os.sysconf("SC_PAGE_SIZE"),
        patterns=list(request.patterns),
    )
    return Recorded(Recording(about, {**files, **_names(measured.names, files, uids)}), measured)


def _require_all(problems: list[Problem]) -> None:
    for problem in problems:
        if problem.reason in UNREAD:
            raise UnsupportedError(
                f"{problem.name} cannot be recorded whole: {problem.detail}.", UNREAD[problem.reason]
            )
        if problem.reason == "not-found":
            raise UnsupportedError(f"Nothing here is called {problem.name}: {problem.detail}.")


def _without_the_gone(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return the files without those of processes that ended while they were read.

    Of such a one who it is was read, and what it holds was not; a replay would take the kernel for one that
    has no smaps_rollup. Without any of its files it has ended there, too. One that is merely an ancestor, or
    above the ceiling, is none of these.
    """
    told = {_process_of(path) for path in files if path.endswith(("/smaps_rollup", "/status"))}
    if not told:
        return files
    gone = {
        pid
        for pid in _listed(files) - told
        if (who := files.get(f"proc/{pid}/stat")) is not None and b") Z " not in who
    }
    return {path: data for path, data in files.items() if _process_of(path) not in gone}


def _listed(files: Mapping[str, bytes]) -> set[str]:
    return {
        pid.decode("ascii", "replace")
        for path, data in files.items()
        if path.endswith("/cgroup.procs")
        for pid in data.split()
    }


def _process_of(path: str) -> str:
    match = _PROCESS.match(path)
    return match[1] if match else ""


def _as_it_is(data: bytes) -> bytes:
    return data


def _cgroup2_only(data: bytes) -> bytes:
    return b"".join(line for line in data.splitlines(keepends=True) if line.split(b" ")[2:3] == [b"cgroup2"])


_KEPT: Mapping[str, Callable[[bytes], bytes]] = {"proc/mounts": _cgroup2_only}
"""What is kept of a file that says more than the agent asks."""


def _masked(data: bytes) -> bytes:
    """Return a command line as it may leave the node, in the form of the kernel's file."""
    arguments = masked_arguments(cmdline.parse(data, "cmdline"))
    arguments = [masked(each) for each in arguments]
    joined = " ".join(arguments)
    if masked(joined) != joined:
        # A secret that is told by what stands around it: better one long argument than that.
        arguments = [masked(joined)]
    return b"".join(each.encode("utf-8", "backslashreplace") + b"\0" for each in arguments)


def _names(names: LocalNames, files: Mapping[str, bytes], uids: set[str] | None) -> dict[str, bytes]:
    """Return the files that tell the names of what was recorded; of all pods where `uids` is None."""
    paths = "\n".join(files)
    logs = {
        f"{LOGS}/{namespace}_{name}_{uid}": b""
        for uid, (namespace, name) in names.pods.items()
        if uids is None or uid in uids
    }
    containers = {
        f"{CONTAINERS}/{id_}/{CONTAINER_NAME}": msgspec.json.encode({"Name": f"/{name}"})
        for id_, name in names.containers.items()
        if id_ in paths
    }
    return logs | containers
