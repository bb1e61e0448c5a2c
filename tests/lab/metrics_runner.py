"""Runs in the guest: two pods of known truth, read as a scrape reads them before and after they grow.

    python -m lab.metrics_runner

Prints two NodeReadings as JSON, each on a line. Between them "holder" takes ANON of anonymous memory and
gives FREED of it back with MADV_FREE, writes SHMEM into a tmpfs, and CACHE to a file on the disk; a container
of "left" writes SHMEM into a tmpfs, ends, and its cgroup is removed.
"""

import sys
from pathlib import Path

import msgspec

from memcollect.lab import cgroups
from memcollect.lab.layout import ContainerSpec, Layout, PodSpec
from memcollect.lab.processes import Tenant, start_pause
from memcollect_agent.measure.sample import Roots
from memcollect_agent.metrics.node import read_node

MIB = 1 << 20
ANON, FREED, SHMEM, CACHE = 64 * MIB, 16 * MIB, 24 * MIB, 20 * MIB
TMPFS, DISK = "/mnt", "/run/data"
HOLDER = PodSpec(name="holder", containers=[ContainerSpec(name="app")])
LEFT = PodSpec(name="left", containers=[ContainerSpec(name="gone")])

_HOLD = f"""
import mmap, os, sys
print('ready', flush=True); input()
with open('{DISK}/cache', 'wb') as file:
    for _ in range({CACHE // MIB}): file.write(b'c' * {MIB})
    file.flush(); os.fsync(file.fileno())
with open('{TMPFS}/held', 'wb') as file:
    for _ in range({SHMEM // MIB}): file.write(b's' * {MIB})
private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
areas = [mmap.mmap(-1, size, flags=private) for size in ({ANON - FREED}, {FREED})]
for area in areas:
    for at in range(0, len(area), 4096): area[at] = 1
areas[1].madvise(mmap.MADV_FREE)
print('ready', flush=True); input()
"""
_LEAVE = f"""
print('ready', flush=True); input()
with open('{TMPFS}/left', 'wb') as file:
    for _ in range({SHMEM // MIB}): file.write(b's' * {MIB})
print('ready', flush=True); input()
"""


def main() -> None:
    """Lay the pods out, let them grow, and print what a scrape sees each time."""
    layout = Layout(Path("/sys/fs/cgroup"))
    holder, left = layout.place(HOLDER), layout.place(LEFT)
    start_pause(holder.containers["pause"], Path("/run"))
    holding = Tenant(holder.containers["app"], [sys.executable, "-c", _HOLD])
    leaving = Tenant(left.containers["gone"], [sys.executable, "-c", _LEAVE])
    for tenant in (holding, leaving):
        tenant.wait_ready()
    show()
    for tenant in (holding, leaving):
        tenant.ask("grow")
    leaving.end()
    cgroups.remove(left.containers["gone"])
    show()
    holding.end()


def show() -> None:
    """Print one reading."""
    sys.stdout.write(msgspec.json.encode(read_node(Roots())).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
