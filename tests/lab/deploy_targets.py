"""Runs in the guest: the processes an agent has to read, each with the rights its column says."""

import os
import subprocess
import time
from pathlib import Path

from lab.deploy_rights import HIDDEN, TARGETS
from memcollect.lab import cgroups

READY_SECONDS = 30.0


def start_targets(places: dict[str, Path]) -> None:
    """Start every target in its cgroup, and wait until each has the rights it should have."""
    hidden = Path(HIDDEN)
    hidden.write_bytes(Path("/bin/sleep").read_bytes())
    # Executable and not readable: the kernel then makes the process not dumpable (fs/exec.c, would_dump).
    hidden.chmod(0o111)
    for name, command in TARGETS.items():
        _become_a_sleep(places[name], command)


def _become_a_sleep(cgroup: Path, command: list[str]) -> None:
    process = subprocess.Popen(command, preexec_fn=lambda: cgroups.move(cgroup, os.getpid()))  # noqa: PLW1509 -- no threads run here
    deadline = time.monotonic() + READY_SECONDS
    # Each command changes its rights and then becomes a sleep: only then is it the target.
    while "sleep" not in Path(f"/proc/{process.pid}/comm").read_text():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{command} did not become a sleep")
        time.sleep(0.05)
