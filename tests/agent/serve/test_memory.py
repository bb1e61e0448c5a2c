"""The agent's memory under clients that mean it no good, held against the limit of its own manifest."""

import contextlib
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from memcollect_agent.wire import History
from worlds import children, manifests
from worlds.pod_tree import PodTree
from worlds.ports import free_port
from worlds.served_agents import ask
from worlds.waiting import wait_until

CGROUPS = 2000
STRANGERS = 32
HONEST = 8
MIB = 1 << 20
HEAP_BYTES = 64 * MIB

# The rings are filled at the first look, with numbers as wide as a node's: two minutes need not go by.
PROGRAM = """
import sys
from memcollect_agent.history.followed import STAT_FIELDS, Followed
read = Followed.read
def filled(self, clocks, cgroups):
    while len(self.ring) < 61:
        self.ring.append(clocks.wall(), [(9 << 32) + number for number in range(1 + len(STAT_FIELDS))])
    read(self, clocks, cgroups)
Followed.read = filled
from memcollect_agent.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def limit_bytes() -> int:
    """Return the memory limit of the agent's container in deploy/base."""
    (container,) = manifests.read("base/daemonset.yaml")[0]["spec"]["template"]["spec"]["containers"]
    limit: str = container["resources"]["limits"]["memory"]
    assert limit.endswith("Mi")
    return int(limit[:-2]) * MIB


def peak_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def heaps_of_threads(pid: int) -> int:
    """Return how many heaps malloc has beside the first: 64 MiB each, at a multiple of it, used from below.

    glibc, malloc/arena.c: HEAP_MAX_SIZE; what is not used yet is a mapping without rights behind it.
    """
    starts = {}
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        bounds, rights, *_ = line.split()
        start, end = (int(bound, 16) for bound in bounds.split("-"))
        starts[start] = (end, rights)
    return sum(
        start % HEAP_BYTES == 0 and rights == "rw-p" and starts.get(end, (0, ""))[1] == "---p"
        for start, (end, rights) in starts.items()
    )


def has_looked(port: int) -> bool:
    """Return whether the first look at the cgroups has ended: before it there is no history to tell."""
    try:
        reply = ask(port, "/v1/history", b'{"pod_uids": []}')
    except OSError:
        return False
    return reply.status == 200 and msgspec.msgpack.decode(reply.body, type=History).ticks > 0


def test_clients_that_do_not_read_beside_honest_ones_stay_within_the_manifests_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = PodTree(tmp_path)
    for number in range(CGROUPS // 2):
        tree.add_pod(number, number, current=9 << 32)
    port = free_port()
    roots = ["--proc", str(tree.proc), "--cgroup", str(tree.cgroup), "--sys", str(tree.sys)]
    serve = ["serve", *roots, "--listen", f"127.0.0.1:{port}", "--health-listen", "off"]
    command = [sys.executable, "-c", PROGRAM, *serve, "--history-interval", "60"]
    with children.Child(command, stderr=subprocess.DEVNULL) as agent, contextlib.ExitStack() as held:
        wait_until(lambda: has_looked(port))
        idle = peak_bytes(agent.pid)
        for number in range(STRANGERS):
            sock = held.enter_context(socket.create_connection(("127.0.0.1", port)))
            body = b'{"since": %d}' % number
            head = b"POST /v1/history HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            with contextlib.suppress(OSError):
                sock.sendall(head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        with ThreadPoolExecutor(HONEST) as clients:
            served = list(clients.map(lambda _: _persistent(port), range(HONEST)))
        peak, heaps = peak_bytes(agent.pid), heaps_of_threads(agent.pid)
    told = f"\nagent: {idle / MIB:.0f} MiB idle, peak {peak / MIB:.0f}, limit {limit_bytes() / MIB:.0f}\n"
    with capsys.disabled():
        sys.stdout.write(told)
    assert min(served) > 5 * MIB
    assert peak < limit_bytes()
    # Each would keep some MiB that no other thread may use: after minutes they came to more than the limit.
    assert heaps == 0


def _persistent(port: int) -> int:
    """Ask as an honest client does, again when the agent is busy; return the size of the answer."""
    sizes: list[int] = []

    def is_served() -> bool:
        with contextlib.suppress(OSError):
            reply = ask(port, "/v1/history")
            if reply.status == 200:
                sizes.append(len(reply.body))
        return bool(sizes)

    wait_until(is_served)
    return sizes[0]
