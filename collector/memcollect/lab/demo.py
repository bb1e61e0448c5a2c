"""The demo, wherever it can run: a scratch cgroup of this machine, or a kernel of its own.

The machine's own cgroups are used only where that changes nothing else: as root, with the memory
controller already handed down by the root of the cgroup v2 tree.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from memcollect.lab import cgroups, guest, kernels, space, uml
from memcollect.lab.demo_cluster import OUTPUT, Runs
from memcollect.lab.errors import LabError
from memcollect.lab.guest import Play
from memcollect.lab.places import Places
from memcollect.termination import ending_cleanly

Progress = Callable[[str], None]

SHM = "/dev/shm"  # noqa: S108 -- shared memory is the point; what is made there has a private name
CGROUP_MOUNT = Path("/sys/fs/cgroup")
TIME_LIMIT_SECONDS = 900.0
"""It takes under a minute; this ends what hangs, not what a busy machine does slowly (seen: 200 s)."""
RUN_SECONDS = 120.0
"""More for each command that is to be run …"""
PROFILE_SECONDS = 3600.0
"""… and for one that runs a plan, which has time limits of its own."""
_DISK_BYTES = 192 << 20
_MEMORY_BYTES = 768 << 20
_MEMORY_OF_MANY_BYTES = 2560 << 20
"""With room for a hundred sandboxes at once; the host gives pages only as they are used."""


class Ran(Struct, frozen=True, kw_only=True):
    """One command's outcome."""

    output: str
    exit_code: int


class Played(Struct, frozen=True, kw_only=True):
    """What the demo left: the snapshot's file, or each command's outcome."""

    snapshot: Path | None = None
    ran: list[Ran] = []


def run_demo(
    directory: Path, on_progress: Progress, kernel: str | None = None, runs: Runs | None = None
) -> Played:
    """Play the demo in a cluster of its own, with `runs` None on the machine alone; copy what it left.

    The snapshot's file is put into `directory`. `kernel` names a User-Mode Linux kernel ("6.1", "host" for
    this machine's own); None: this machine's own cgroups where that is possible, else the installed
    User-Mode Linux or one that is fetched. Raises LabError.
    """
    if kernel == "host" or (kernel is None and host_problem() is None):
        return run_on_host(directory, on_progress, runs)
    return run_in_guest(directory, on_progress, kernel, runs)


def host_problem(mount: Path = CGROUP_MOUNT) -> str | None:
    """Return why this machine's own cgroups cannot be used, None if they can."""
    if os.geteuid() != 0:
        return "not root"
    try:
        handed_down = (mount / "cgroup.subtree_control").read_text().split()
    except OSError:
        return "no cgroup v2 tree is mounted there"
    if "memory" not in handed_down:
        return "the memory controller is not handed down on cgroup v2"
    return None if os.access(mount, os.W_OK) else "the cgroup tree is read-only"


def run_on_host(directory: Path, on_progress: Progress, runs: Runs | None = None) -> Played:
    """Play in a scratch cgroup of this machine, which is removed at the end."""
    problem = host_problem()
    if problem:
        raise LabError(
            f"The demo cannot use this machine's cgroups: {problem}.", "Leave the kernel to the demo."
        )
    on_progress(f"kernel {os.uname().release}, a scratch cgroup of this machine")
    with ending_cleanly(), tempfile.TemporaryDirectory(prefix="memcollect-demo-") as results:
        with _host_places(results) as places:
            guest.play(Play(places=places, runs=runs), on_progress)
        return _collected(Path(results), directory, runs)


@contextmanager
def _host_places(results: str) -> Iterator[Places]:
    name = f"memcollect-demo-{os.getpid()}"
    scratch = CGROUP_MOUNT / name
    with (
        tempfile.TemporaryDirectory(prefix=name) as disk,
        tempfile.TemporaryDirectory(prefix=name, dir=SHM) as shm,
    ):
        scratch.mkdir()
        try:
            yield Places(
                cgroups=str(scratch),
                logs=str(Path(disk, "log")),
                disk=disk,
                shm=shm,
                results=results,
                cluster=str(Path(results, "cluster")),
            )
        finally:
            cgroups.remove(scratch)


def run_in_guest(
    directory: Path, on_progress: Progress, kernel: str | None = None, runs: Runs | None = None
) -> Played:
    """Boot a kernel and play in it."""
    found = kernels.provide(kernel, on_progress)
    on_progress(f"booting Linux {found.release} as a program (User-Mode Linux), cgroup v2")
    room = space.files_directory(16 << 20)
    with ending_cleanly(), tempfile.TemporaryDirectory(prefix="memcollect-demo-", dir=room) as shared:
        outcome = uml.boot(_machine(found, Path(shared), runs), on_progress)
        if outcome.exit_code:
            said = " / ".join(outcome.errors[-3:]) or f"exit code {outcome.exit_code}"
            raise LabError(f"The demo failed in its guest: {said}")
        return _collected(Path(shared), directory, runs)


def _machine(kernel: kernels.Kernel, shared: Path, runs: Runs | None) -> uml.Machine:
    disk = _disk_target()
    places = Places(
        cgroups=str(CGROUP_MOUNT),
        logs="/var/log",
        disk=disk,
        shm=SHM,
        results=str(shared),
        cluster="/run/memcollect",
    )
    config = shared / "play.json"
    config.write_bytes(msgspec.json.encode(Play(places=places, runs=runs and _visible(runs))))
    return uml.Machine(
        kernel=kernel,
        command=[sys.executable, "-m", "memcollect.lab.guest", str(config)],
        memory_bytes=_MEMORY_OF_MANY_BYTES if runs is not None and runs.empty else _MEMORY_BYTES,
        disk_bytes=_DISK_BYTES,
        disk_target=disk,
        tmpfs=["/mnt"] if disk.startswith("/mnt") else [],
        time_limit_seconds=TIME_LIMIT_SECONDS + sum(map(_seconds, runs.commands if runs else [])),
    )


def _seconds(words: list[str]) -> float:
    return PROFILE_SECONDS if {"profile", "evidence"} & {*words} else RUN_SECONDS


def _visible(runs: Runs) -> Runs:
    """Return the runs in a directory that the guest has, too."""
    hidden = runs.directory is not None and space.is_covered(runs.directory, [*space.COVERED, "/mnt"])
    return msgspec.structs.replace(runs, directory=None) if hidden else runs


def _collected(results: Path, directory: Path, runs: Runs | None) -> Played:
    if runs is None or not runs.commands:
        return Played(snapshot=Path(shutil.copy(results / "snapshot.json", directory)))
    texts = [
        [(results / OUTPUT.format(number=number, what=what)).read_text() for what in ("out", "code")]
        for number in range(len(runs.commands))
    ]
    return Played(ran=[Ran(output=out, exit_code=int(code)) for out, code in texts])


def _disk_target() -> str:
    """Return where the guest mounts its disk: where sandboxes have it, unless our own files are there."""
    needed = [sys.executable, sys.prefix, *filter(None, sys.path)]
    hidden = any(space.is_covered(path, ["/mnt"]) for path in needed)
    return "/run/user-data" if hidden else "/mnt/user-data"
