"""The plan's pods at work: laid out by a kubelet, each with its workloads, until the context ends."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from memcollect.lab import processes
from memcollect.lab.demo_plan import FILES, LABELS, DemoPod, Work
from memcollect.lab.kubelet import Kubelet
from memcollect.lab.places import Places
from memcollect.lab.processes import Tenant

Progress = Callable[[str], None]


@contextmanager
def running(
    kubelet: Kubelet, pod: DemoPod, places: Places, on_progress: Progress
) -> Iterator[list[tuple[Tenant, Work]]]:
    """Start a pod; give each of its programs that stay. Raises LabError when a workload fails."""
    on_progress(f"{pod.spec.name} ({pod.spec.qos_class}): {pod.story}")
    placed = kubelet.place(pod.spec, LABELS, init={work.container for work in pod.works if work.ends})
    tenants: list[tuple[Tenant, Work]] = []
    with ExitStack() as stack:
        pause = processes.start_pause(placed.containers["pause"], Path(places.results))
        stack.callback(pause.wait)
        stack.callback(pause.kill)
        for work in pod.works:
            kubelet.started(pod.spec, work.container)
            tenant = start(placed.containers[work.container], work.words, places)
            stack.callback(tenant.end)
            tenant.wait_ready()
            if work.ends:
                tenant.end()
                kubelet.finished(placed, work.container)
            else:
                tenants.append((tenant, work))
        yield tenants


def start(cgroup: Path, words: str, places: Places) -> Tenant:
    """Start the workload as `python3`, wherever this machine keeps its own: reports show command lines."""
    filled = words.format(disk=places.disk, shm=places.shm)
    # By another name an interpreter does not find its home, nor the packages of a virtual environment.
    environment = {"PYTHONHOME": sys.base_prefix, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = ["python3", "-m", "memcollect.lab.workloads", *filled.split()]
    return Tenant(cgroup, command, sys.executable, environment)


def write_files(places: Places) -> None:
    """Write the plan's files, and drop their cache so that its first reader among the pods pays for it."""
    for file in FILES:
        path = Path(places.disk, file.name)
        with path.open("wb") as out:
            for _ in range(file.size_bytes >> 20):
                out.write(b"x" * (1 << 20))
            out.flush()
            os.fsync(out.fileno())
            os.posix_fadvise(out.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
