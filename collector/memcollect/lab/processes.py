"""Processes that start inside a cgroup, say when they are ready, and stay until they are told to end."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from memcollect.lab import cgroups
from memcollect.lab.errors import LabError

_ENDING_SECONDS = 5.0
_LIVING_SECONDS = 600.0
"""An emulated processor takes so long at most to fill some gigabytes."""


class Tenant:
    """A program in a cgroup: it entered before it ran, so that all it touches is charged there.

    It speaks on its stdout in lines, the first word of a line "ready" meaning that what was asked for is
    done, with what the program knows of it after that word; a line on its stdin asks for more.
    `executable` is the file to start where `command` begins with another name; `environment` adds to ours.
    """

    def __init__(
        self,
        cgroup: Path | None,
        command: Sequence[str],
        executable: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._process = subprocess.Popen(  # noqa: S603 -- the lab's own programs
            command,
            executable=executable,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=_entering(cgroup) if cgroup else None,  # noqa: PLW1509 -- no threads run here
            text=True,
            start_new_session=True,
        )
        self._name = f"{' '.join(command)} in {cgroup or 'no cgroup of its own'}"

    @property
    def pid(self) -> int:
        """Of the program itself; it may have children."""
        return self._process.pid

    def wait_ready(self) -> str:
        """Wait until it says so; return what it said after that word. Raises LabError if it ended."""
        assert self._process.stdout is not None  # noqa: S101 -- it was asked for
        for line in self._process.stdout:
            word, _, rest = line.strip().partition(" ")
            if word == "ready":
                return rest
        raise LabError(f"{self._name} ended with {self._process.wait()} before it was ready")

    def ask(self, line: str) -> str:
        """Ask for more work and wait until it is done."""
        assert self._process.stdin is not None  # noqa: S101 -- it was asked for
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self.wait_ready()

    def wait_end(self) -> int:
        """Wait until it has ended by itself; return its exit code, −n for signal n. Raises LabError."""
        try:
            return self._process.wait(_LIVING_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise LabError(f"{self._name} still lives after {_LIVING_SECONDS:g} s") from error

    def end(self) -> None:
        """Kill it and its children that share its session; ended already is fine."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()


def start_pause(cgroup: Path, directory: Path) -> "subprocess.Popen[bytes]":
    """Start the smallest process that is named as a pod's pause container names it.

    The kernel takes a program's comm from the file it was started by, so a link named `pause` suffices.
    """
    link = directory / "pause"
    if not link.is_symlink():
        link.symlink_to("/bin/sleep")
    return subprocess.Popen(
        ["sleep", "infinity"],  # noqa: S607 -- the file is named below
        executable=str(link),
        stdin=subprocess.DEVNULL,
        preexec_fn=_entering(cgroup),  # noqa: PLW1509 -- as above
        start_new_session=True,
    )


def start_waiting(
    name: str, directory: Path, words: Sequence[str] = (), cgroup: Path | None = None
) -> "subprocess.Popen[bytes]":
    """Start a process that waits, called `name` and with `words` on its command line, in a cgroup if wished.

    It is a shell by another name, and takes itself where it belongs: unlike `start_pause` this may be done by
    several threads at once. It ends with its stdin.
    """
    link = directory / name
    with suppress(FileExistsError):
        link.symlink_to("/bin/sh")
    enter = 'echo $$ > "$0/cgroup.procs"; ' if cgroup else ""
    return subprocess.Popen(  # noqa: S603 -- two words of a shell's own
        [name, "-c", f"{enter}read nothing", str(cgroup or name), *words],
        executable=str(link),
        stdin=subprocess.PIPE,
        start_new_session=True,
    )


def start_service(
    command: Sequence[str], cgroup: Path | None = None, environment: Mapping[str, str] | None = None
) -> "subprocess.Popen[str]":
    """Start a program that serves until it is ended; its stdout can be read."""
    return subprocess.Popen(  # noqa: S603 -- the lab's own programs
        command,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        preexec_fn=_entering(cgroup) if cgroup else None,  # noqa: PLW1509 -- as above
        text=True,
        start_new_session=True,
    )


def end_service(process: "subprocess.Popen[str]") -> None:
    """End it in its own way, and by force where that takes too long; ended already is fine."""
    process.send_signal(signal.SIGCONT)
    process.terminate()
    try:
        process.wait(_ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _entering(cgroup: Path) -> Callable[[], None]:
    return lambda: cgroups.move(cgroup, os.getpid())
