"""Runs in the guest: which processes an agent can read, for each set of rights it might be given.

    python -m lab.deploy_capabilities RESULT

Every target is a container of a pod of its own. Every agent samples all of them, as `memcollect-agent
sample` started with the rights of one row. Written: {agent: {target: "read" | a reason}}.
"""

import json
import subprocess
import sys
from pathlib import Path

import msgspec

from lab.deploy_rights import AGENTS, TARGETS
from lab.deploy_targets import start_targets
from memcollect.lab.layout import ContainerSpec, Layout, PodSpec
from memcollect_agent.wire import NodeSample, Pod


def main(result: Path) -> None:
    """Start every target, run every agent, write the matrix."""
    layout = Layout(Path("/sys/fs/cgroup"))
    specs = {name: PodSpec(name=name, containers=[ContainerSpec(name="app")]) for name in TARGETS}
    start_targets({name: layout.place(spec).containers["app"] for name, spec in specs.items()})
    matrix = {name: _row(name, command, specs) for name, command in AGENTS.items()}
    result.write_text(json.dumps(matrix))


def _row(name: str, command: list[str], specs: dict[str, PodSpec]) -> dict[str, str]:
    agent = [*command, sys.executable, "-m", "memcollect_agent", "sample"]
    done = subprocess.run(agent, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"the agent '{name}' failed: {done.stderr.decode()}")
    outcomes = outcomes_of(msgspec.json.decode(done.stdout, type=NodeSample).pods)
    return {target: outcomes[spec.uid] for target, spec in specs.items()}


def outcomes_of(pods: list[Pod]) -> dict[str, str]:
    """Return, by the pod's UID, what became of its one process: "read", or the reason for not reading it."""
    outcomes = {}
    for pod in pods:
        (sums,) = [each.sums for each in pod.containers if each.sums and each.sums.listed]
        outcomes[pod.uid] = sums.skipped[0].reason if sums.skipped else "read" if sums.read == 1 else "lost"
    return outcomes


if __name__ == "__main__":
    main(Path(sys.argv[1]))
