"""Runs in the guest: a node whose memory was put where it is on purpose.

    python -m lab.node_runner

Prints two NodeSamples with their trees as JSON, each on a line: before and after "web" took ANON, "orphan" (a
pod that no API server knows) took ORPHAN, a service took SERVICE, a pod that is removed left LEFT in a
tmpfs, a container outside of all pods took OUTSIDE, and a process of the root wrote ALONE into a tmpfs.
"""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from memcollect.lab import cgroups
from memcollect.lab.layout import ContainerSpec, Layout, PodSpec
from memcollect.lab.processes import Tenant
from memcollect_agent.measure.sample import Roots, sample_node
from memcollect_agent.wire import SampleRequest

MIB = 1 << 20
ANON, ORPHAN, SERVICE, LEFT, OUTSIDE, ALONE = 48 * MIB, 40 * MIB, 32 * MIB, 24 * MIB, 20 * MIB, 28 * MIB
SERVICE_NAME = "db.service"
TMPFS = "/mnt"
ROOT = Path("/sys/fs/cgroup")
WEB = PodSpec(name="web", containers=[ContainerSpec(name="app")])
LOST = PodSpec(name="lost", containers=[ContainerSpec(name="app")])
GONE = PodSpec(name="gone", containers=[ContainerSpec(name="app")])
FLUSH_SECONDS = 2.2


def _taking(size: int) -> str:
    return f"""
import mmap
print('ready', flush=True); input()
area = mmap.mmap(-1, {size}, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for at in range(0, {size}, 4096): area[at] = 1
print('ready', flush=True); input()
"""


def _writing(size: int, name: str) -> str:
    return f"""
print('ready', flush=True); input()
with open('{TMPFS}/{name}', 'wb') as file:
    for _ in range({size // MIB}): file.write(b's' * {MIB})
print('ready', flush=True); input()
"""


def main(more: Callable[[], object] = lambda: None, pods: Sequence[str] = ()) -> None:
    """Lay everything out, let it grow, and `more` with it, and print the node each time, with these pods."""
    layout = Layout(ROOT)
    web, lost, gone = (layout.place(spec) for spec in (WEB, LOST, GONE))
    service, outside = ROOT / "system.slice" / SERVICE_NAME, ROOT / "docker" / ("d" * 64)
    for directory in (service, outside):
        cgroups.make(directory, ROOT)
    places = [
        (web.containers["app"], _taking(ANON)),
        (lost.containers["app"], _taking(ORPHAN)),
        (service, _taking(SERVICE)),
        (outside, _taking(OUTSIDE)),
        (gone.containers["app"], _writing(LEFT, "left")),
    ]
    tenants = [Tenant(place, [sys.executable, "-c", program]) for place, program in places]
    for tenant in tenants:
        tenant.wait_ready()
    show(pods)
    for tenant in tenants:
        tenant.ask("grow")
    with Path(TMPFS, "alone").open("wb") as file:
        file.writelines(b"a" * MIB for _ in range(ALONE // MIB))
    more()
    leaving = tenants.pop()
    leaving.end()
    layout.remove(gone)
    show(pods)
    for tenant in tenants:
        tenant.end()
    for pod in (web, lost):
        layout.remove(pod)
    for directory in (service, outside):
        cgroups.remove(directory)


def show(pods: Sequence[str]) -> None:
    """Print one sample, of quiet counters."""
    time.sleep(FLUSH_SECONDS)
    sample = sample_node(SampleRequest(pod_uids=list(pods), sums=False, tree=True), Roots(), node_name="lab")
    sys.stdout.write(msgspec.json.encode(sample).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
