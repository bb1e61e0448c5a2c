"""Plays the demo's plan on any cgroup v2 tree that may be written to: pods, workloads, `top`, snapshot."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from memcollect.lab import cgroups, processes
from memcollect.lab.demo_plan import FILES, PODS, DemoPod, Work
from memcollect.lab.demo_top import sample_tops
from memcollect.lab.errors import LabError
from memcollect.lab.layout import Layout, PlacedPod
from memcollect.lab.processes import Tenant

SETTLE_SECONDS = 2.2
"""memory.stat is flushed every 2 s (mm/memcontrol.c): after that long at rest nothing is stale."""

Progress = Callable[[str], None]


class Places(Struct, frozen=True, kw_only=True):
    """Where the demo plays."""

    cgroups: str
    logs: str
    disk: str
    """A directory on a real disk; in the guest /mnt/user-data."""
    shm: str
    results: str


def play(places: Places, on_progress: Progress) -> Path:
    """Lay out the pods, run their workloads, take the snapshot; return its file. All of it ends with that.

    Raises LabError when a workload or the snapshot fails.
    """
    results = Path(places.results)
    with ExitStack() as stack:
        _write_files(places)
        layout = Layout(Path(places.cgroups), Path(places.logs))
        stack.callback(layout.remove_all)
        growing = [
            (tenant, work.grows)
            for pod in PODS
            for tenant, work in stack.enter_context(_running(layout, pod, places, on_progress))
            if work.grows
        ]
        time.sleep(SETTLE_SECONDS)
        on_progress("sampling what kubectl top would show")
        tops = results / "tops.json"
        tops.write_bytes(msgspec.json.encode(sample_tops([pod.spec for pod in PODS], places.cgroups)))
        for tenant, words in growing:
            on_progress("one sandbox grows after that sample, as happens on a cluster")
            tenant.ask(words)
        time.sleep(SETTLE_SECONDS)
        on_progress("memcollect snapshot --local --sample demo")
        return _snapshot(places, tops, results / "snapshot.json")


@contextmanager
def _running(
    layout: Layout, pod: DemoPod, places: Places, on_progress: Progress
) -> Iterator[list[tuple[Tenant, Work]]]:
    on_progress(f"{pod.spec.name} ({pod.spec.qos_class}): {pod.story}")
    placed = layout.place(pod.spec)
    tenants: list[tuple[Tenant, Work]] = []
    with ExitStack() as stack:
        pause = processes.start_pause(placed.containers["pause"], Path(places.results))
        stack.callback(pause.wait)
        stack.callback(pause.kill)
        for work in pod.works:
            tenant = _start(placed.containers[work.container], work, places)
            stack.callback(tenant.end)
            tenant.wait_ready()
            if work.ends:
                _finish(tenant, placed, work)
            else:
                tenants.append((tenant, work))
        yield tenants


def _finish(tenant: Tenant, placed: PlacedPod, work: Work) -> None:
    tenant.end()
    cgroups.remove(placed.containers[work.container])


def _start(cgroup: Path, work: Work, places: Places) -> Tenant:
    """Start the workload as `python3`, wherever this machine keeps its own: reports show command lines."""
    words = work.words.format(disk=places.disk, shm=places.shm)
    # By another name an interpreter does not find its home, nor the packages of a virtual environment.
    environment = {"PYTHONHOME": sys.base_prefix, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = ["python3", "-m", "memcollect.lab.workloads", *words.split()]
    return Tenant(cgroup, command, sys.executable, environment)


def _write_files(places: Places) -> None:
    """Write the plan's files, and drop their cache so that its first reader among the pods pays for it."""
    for file in FILES:
        path = Path(places.disk, file.name)
        with path.open("wb") as out:
            for _ in range(file.size_bytes >> 20):
                out.write(b"x" * (1 << 20))
            out.flush()
            os.fsync(out.fileno())
            os.posix_fadvise(out.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _snapshot(places: Places, tops: Path, document: Path) -> Path:
    document.unlink(missing_ok=True)
    command = [
        *(sys.executable, "-m", "memcollect", "snapshot", "--local", "--sample", "demo"),
        *("--include-processes", "--process-limit", "5", "--top-file", str(tops)),
        *("--cgroup-root", places.cgroups, "--log-root", places.logs),
        *("--format", "json", "-o", str(document)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- ourselves
    if not document.exists():
        raise LabError(f"the snapshot failed ({done.returncode}): {done.stderr.strip()[-500:]}")
    return document
