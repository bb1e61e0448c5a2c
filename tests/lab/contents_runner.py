"""Runs in the guest: puts known files and mappings into memory, and looks with several sets of rights.

python -m lab.contents_runner PROGRAM RESULT
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
from msgspec import Struct

from lab.contents import Contents, made_service, play
from lab.contents_stuck import end_stuck_mounts
from lab.deploy_rights import only
from lab.stage import DISK, FLUSH_SECONDS, Stage
from memcollect_agent.measure.sample import Roots, sample_node
from memcollect_agent.wire import NodeSample, SampleRequest
from worlds import children
from worlds.waiting import wait_until

RIGHTS = {
    "all": [],
    "overlays/files": ["setpriv", "--no-new-privs", only("sys_ptrace,dac_read_search,fowner")],
    "base": ["setpriv", "--no-new-privs", only("sys_ptrace")],
}
"""What an agent may be given: on the machine itself, by deploy/overlays/files, by deploy/base."""
MOST_FILES = 500
SECONDS = 120.0
REST_SECONDS = 2.0


class Looked(Struct, frozen=True, kw_only=True):
    """What was in memory, and what an agent with each set of rights said of it."""

    kernel: str
    contents: Contents
    pods: dict[str, str]
    """Pod name -> uid."""
    containers: dict[str, str]
    """Container id -> name."""
    samples: dict[str, NodeSample]
    grown: dict[str, tuple[int, int]]
    """Of the growing file: its size before and after each sample, in bytes."""
    charged: list[int]
    """Of the container with the service: its charge before the service was ended, and after, in bytes."""


def look(program: str, result: Path) -> None:
    """Play, look with each set of rights, write what came of it."""
    stage = Stage(program)
    began = time.monotonic()
    samples: dict[str, NodeSample] = {}
    grown: dict[str, tuple[int, int]] = {}
    try:
        # First, for it writes a file, and with that drops what is cached of the others'.
        service = made_service(stage)
        contents = play(stage)
        _say(f"played {time.monotonic() - began:.1f}s")
        time.sleep(FLUSH_SECONDS)
        specs = [pod.spec for pod in stage.pods]
        (growing,) = DISK.glob("kubelet/pods/*/volumes/*/cache/log")
        wait_until(lambda: _is_at_rest(service.cgroup))
        for name, command in RIGHTS.items():
            before = growing.stat().st_size
            samples[name] = _sample(name, command)
            grown[name] = before, growing.stat().st_size
        charged = [_charge(service.cgroup)]
        service.process.end()
        time.sleep(FLUSH_SECONDS)
        charged.append(_charge(service.cgroup))
    finally:
        end_stuck_mounts()
    looked = Looked(
        kernel=os.uname().release,
        contents=contents,
        pods={spec.name: spec.uid for spec in specs},
        containers={spec.container_id(each.name): each.name for spec in specs for each in spec.containers},
        samples=samples,
        grown=grown,
        charged=charged,
    )
    result.write_bytes(msgspec.json.encode(looked))


def _sample(name: str, rights: list[str]) -> NodeSample:
    began = time.monotonic()
    agent = [*rights, sys.executable, "-m", "lab.contents_runner"]
    done = children.run(agent, stdout=subprocess.PIPE, check=True)
    _say(f"{name} {time.monotonic() - began:.1f}s")
    return msgspec.json.decode(done.stdout, type=NodeSample)


def sample() -> None:
    """Take the sample that is asked for, with the rights that this process has, and print it."""
    request = SampleRequest(
        process_limit=5, mappings=True, file_limit=MOST_FILES, time_budget_seconds=SECONDS
    )
    sys.stdout.buffer.write(msgspec.json.encode(sample_node(request, Roots())))


def _charge(cgroup: Path) -> int:
    return int((cgroup / "memory.current").read_text())


def _is_at_rest(cgroup: Path) -> bool:
    """Return whether no list of a cgroup moves by itself: what was just read or written still may."""
    stat = cgroup / "memory.stat"
    before = stat.read_text()
    time.sleep(REST_SECONDS)
    return stat.read_text() == before


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1:]:
        look(sys.argv[1], Path(sys.argv[2]))
    else:
        sample()
