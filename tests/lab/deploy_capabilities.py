"""Runs in the guest: which processes an agent can read, for each set of rights it might be given.

    python -m lab.deploy_capabilities RESULT

Every target is a container of a pod of its own. Every agent samples all of them, as `memcollect-agent
sample` started with the rights of one row. Written: {agent: {target: "read" | a reason}}.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from lab.deploy_rights import AGENTS, TARGETS
from memcollect.lab import cgroups
from memcollect.lab.layout import ContainerSpec, Layout, PodSpec
from memcollect_agent.wire import NodeSample

UNREADABLE = Path("/run/hidden-sleep")
ROOT = Path("/sys/fs/cgroup")
READY_SECONDS = 30.0


def main(result: Path) -> None:
    """Start every target, run every agent, write the matrix."""
    shutil.copy("/bin/sleep", UNREADABLE)
    UNREADABLE.chmod(0o111)
    layout = Layout(ROOT)
    specs = {name: PodSpec(name=name, containers=[ContainerSpec(name="app")]) for name in TARGETS}
    for name, spec in specs.items():
        _start(layout.place(spec).containers["app"], TARGETS[name])
    matrix = {name: _row(name, command, specs) for name, command in AGENTS.items()}
    result.write_text(json.dumps(matrix))


def _start(cgroup: Path, command: list[str]) -> None:
    process = subprocess.Popen(command, preexec_fn=lambda: cgroups.move(cgroup, os.getpid()))  # noqa: PLW1509 -- no threads run here
    deadline = time.monotonic() + READY_SECONDS
    # Each command changes its rights and then becomes a sleep: only then is it the target.
    while "sleep" not in Path(f"/proc/{process.pid}/comm").read_text():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{command} did not become a sleep")
        time.sleep(0.05)


def _row(name: str, command: list[str], specs: dict[str, PodSpec]) -> dict[str, str]:
    agent = [*command, sys.executable, "-m", "memcollect_agent", "sample"]
    done = subprocess.run(agent, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"the agent '{name}' failed: {done.stderr.decode()}")
    sample = msgspec.json.decode(done.stdout, type=NodeSample)
    outcomes = {pod.uid: _outcome(pod.containers) for pod in sample.pods}
    sys.stdout.write(f"{name}: {outcomes}\n")
    return {target: outcomes[spec.uid] for target, spec in specs.items()}


def _outcome(containers: list) -> str:  # type: ignore[type-arg]
    (app,) = [each for each in containers if each.sums.listed]
    if app.sums.skipped:
        return str(app.sums.skipped[0].reason)
    return "read" if app.sums.read == 1 else f"{app.sums.read} read"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
