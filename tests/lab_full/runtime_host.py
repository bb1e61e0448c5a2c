"""What playing a runtime needs of the guest: roots for containers, another user, and waiting."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from lab_full.runtime_truth import Started
from memcollect.units import GIB, KIB, MIB
from worlds import children

PROGRAM = Path("/usr/local/bin/workload")
ROOTS = Path("/root/runtimes")
CGROUPS = Path("/sys/fs/cgroup")
_DAEMONS = ("docker.socket", "docker.service", "containerd.service")
_USER = "lab"
_READY_SECONDS = 600.0
_COMMAND_SECONDS = 900.0
"""Docker alone starts in 6 minutes where the emulated processor gets a tenth of a real one (seen)."""
_POLL_SECONDS = 2.0
"""To look through all processes is much work for an emulated processor."""
_UNITS = {"B": 1, "kB": 1000, "KB": 1000, "MB": 10**6, "GB": 10**9, "KiB": KIB, "MiB": MIB, "GiB": GIB}


def run(*command: str) -> str:
    done = children.run(list(command), timeout=_COMMAND_SECONDS)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr} {done.stdout}")
    return done.stdout.strip()


def words(started: Started, image: str) -> list[str]:
    program = [] if image.startswith("/") else ["/workload"]
    return [image, *program, "anon", str(started.size), "stay"]


def container(started: Started, identity: str) -> Started:
    """Wait for a container of which an id is known."""
    named = msgspec.structs.replace(started, cgroup=identity.rsplit(maxsplit=1)[-1])
    wait_for(named)
    return named


def start_inside(cgroup: Path, *command: str) -> None:
    """Start a program that stays, in a cgroup; what it says goes to a file beside its directory of state."""
    with (ROOTS / f"{command[0]}.log").open("wb") as log:
        enter = ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(cgroup / "cgroup.procs"), *command]
        children.Child(enter, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


def amount(said: str) -> int:
    """Return the first of "31.2MiB / 2.9GiB" in bytes."""
    found = re.search(r"([\d.]+)\s*([A-Za-z]+)", said)
    if found is None:
        raise ValueError(f"no amount in {said!r}")
    return round(float(found[1]) * _UNITS[found[2]])


def root(name: str) -> Path:
    """Make the root of a container: the program, and what runtimes look for before they take a directory."""
    directory = ROOTS / name
    for each in ("usr", "proc", "sys", "dev", "etc", "run", "tmp"):
        (directory / each).mkdir(parents=True, exist_ok=True)
    shutil.copy(PROGRAM, directory / "workload")
    return directory


def archive() -> Path:
    """Return the same as an archive, which others than root can read."""
    file = Path("/var/tmp/lab-root.tar")
    if not file.exists():
        run("tar", "-C", str(root("archive")), "-cf", str(file), ".")
    return file


def linger() -> None:
    """Have the user's own systemd run."""
    run("loginctl", "enable-linger", _USER)
    run("systemctl", "start", f"user@{user_id()}.service")
    bus = Path(f"/run/user/{user_id()}/bus")
    until(bus.exists, f"{bus} is not there")


def user_id() -> int:
    return int(run("id", "-u", _USER))


def as_user(*command: str) -> str:
    """Run it where the user's own processes are: from a cgroup of root's none may be moved to a user's."""
    asked = ["systemd-run", "--user", "-M", f"{_USER}@", "--pipe", "--wait", "--quiet", "--collect"]
    return run(*asked, f"--working-directory=/home/{_USER}", "--", *command)


def unit_as_user(unit: str, kind: str, *command: str) -> None:
    """Have the user's own systemd start a service, and return when it has begun as its kind says.

    What is to stay needs this: of a command of `as_user` systemd ends all that is left in its cgroup, and
    podman leaves conmon there, which looks after the container.
    """
    asked = ["systemd-run", "--user", "-M", f"{_USER}@", f"--unit={unit}", f"--service-type={kind}"]
    # podman tells of conmon from a child, in the user's own namespace.
    asked += ["--property=NotifyAccess=all", f"--working-directory=/home/{_USER}"]
    run(*asked, "--", *command)


def of_systemctl(started: Started) -> int:
    """Return what `systemctl show` says that a service uses."""
    return int(run("systemctl", "show", "--property=MemoryCurrent", "--value", started.name))


def of_stats(tool: str, ask: Callable[..., str] = run) -> Callable[[Started], int]:
    """Return what asks `docker stats` or `podman stats` how much a container uses."""
    command = (tool, "stats", "--no-stream", "--format", "{{.MemUsage}}")
    return lambda started: amount(ask(*command, started.name))


def wait_for(started: Started) -> None:
    """Wait until processes in its cgroup have the memory that its program is to have."""
    until(lambda: resident(started.cgroup) >= started.size, f"{started.name} did not get its memory")


def resident(cgroup: str) -> int:
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if cgroup in (process / "cgroup").read_text():
                found = re.search(r"VmRSS:\s+(\d+)", (process / "status").read_text())
                total += int(found[1]) * 1024 if found else 0
        except OSError:
            continue
    return total


def end(all_started: list[Started]) -> None:
    """Kill what was started, by its cgroup, and stop the daemons that would look after it."""
    cgroups = [part for each in all_started for part in (each.cgroup, each.starter) if part]
    for directory in [Path(each) for each, _, _ in os.walk(CGROUPS)]:
        if any(each in str(directory) for each in cgroups):
            with suppress(FileNotFoundError):
                (directory / "cgroup.kill").write_text("1")
    until(lambda: not any(map(resident, cgroups)), "a container did not end")
    for unit in _DAEMONS:
        children.run(["systemctl", "stop", unit], timeout=_COMMAND_SECONDS)


def until(is_so: Callable[[], bool], reason: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(reason)
        time.sleep(_POLL_SECONDS)
