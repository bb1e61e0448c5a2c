"""The agent under churn and hostile clients for some minutes, held against the limits of its manifest.

    python bench/soak.py [--minutes 10] [--pods 200]

A real `memcollect-agent serve` follows a tree of pods in a memory file system, a part of which is removed and
made anew all the time, every other without memory files. Meanwhile clients ask for whole histories and do
not read, drip their requests, open connections and say nothing, and send refused requests; and an honest one
asks for a sample and for the history once a second. Exits with 1 where a figure is beyond its bound.
"""

import argparse
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / part) for part in ("agent", "tests")]

from memcollect_agent.history import Settings  # noqa: E402 - the path above comes first
from memcollect_agent.history.followed import FILES_OF_EACH  # noqa: E402
from worlds import manifests  # noqa: E402
from worlds.pod_tree import PodTree  # noqa: E402
from worlds.served_agents import ask  # noqa: E402

MIB = 1 << 20
CHURNED_EACH_ROUND = 50
HISTORY = b"POST /v1/history HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
MOST_THREADS = 24
MOST_CPU_SHARE = 0.5
"""Of one CPU, under all this; the manifest requests 0.01 and sets no limit."""
SPARE_DESCRIPTORS = 100
LEAST_SERVED_SHARE = 0.5


@dataclass
class Figures:
    """What was seen of the agent, one entry for each look."""

    rss: list[int] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)


@dataclass
class Counts:
    """What was done to the agent."""

    churned: int = 0
    hostile: int = 0
    asked: int = 0
    served: int = 0


def main() -> int:
    """Run, print the table, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--pods", type=int, default=200)
    options = parser.parse_args()
    shared = Path("/dev/shm")  # noqa: S108 - the memory file system, where there is one
    directory = shared if os.access(shared, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        return _soak(PodTree(Path(scratch)), options.minutes * 60, options.pods)


def _soak(tree: PodTree, seconds: float, pods: int) -> int:
    for number in range(pods):
        tree.add_pod(number, number, current=9 << 30, anon=9 << 30)
    port = _free_port()
    roots = ["--proc", "/proc", "--cgroup", str(tree.cgroup), "--sys", str(tree.sys)]
    serve = ["serve", *roots, "--listen", f"127.0.0.1:{port}", "--health-listen", "off"]
    # The rings are full after half a minute: what grows later than that is no history.
    serve += ["--history-interval", "0.5"]
    command = [sys.executable, "-m", "memcollect_agent", *serve]
    environment = {**os.environ, "PYTHONPATH": sys.path[0]}
    agent = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment)
    figures, counts, stop = Figures(), Counts(), threading.Event()
    works = [
        lambda: _churn(tree, pods, counts, stop),
        lambda: _hostile(port, counts, stop),
        lambda: _honest(port, counts, stop),
    ]
    threads = [threading.Thread(target=work) for work in works]
    try:
        _wait_for(port)
        for thread in threads:
            thread.start()
        began, cpu = time.monotonic(), _cpu_seconds(agent.pid)
        while (left := began + seconds - time.monotonic()) > 0:
            _look(agent.pid, figures)
            time.sleep(min(1.0, left))
        share = (_cpu_seconds(agent.pid) - cpu) / (time.monotonic() - began)
        peak = _status(agent.pid, "VmHWM") * 1024
    finally:
        stop.set()
        for thread in threads:
            if thread.is_alive():
                thread.join()
        agent.kill()
        agent.wait()
    return _report(figures, counts, peak=peak, share=share, pods=pods)


def _report(figures: Figures, counts: Counts, *, peak: int, share: float, pods: int) -> int:
    limit = _limit_bytes()
    # Each followed cgroup is a descriptor, and its files are: pods, containers, and those of the churn that
    # live at once.
    followed = 2 * pods + CHURNED_EACH_ROUND * 2
    kept_open = min(followed, Settings().max_kept_open)
    most_descriptors = followed + FILES_OF_EACH * kept_open + SPARE_DESCRIPTORS
    half = len(figures.rss) // 2
    grown = max(figures.rss[half:]) - max(figures.rss[:half])
    served = counts.served / max(counts.asked, 1)
    rows = [
        ("peak RSS, MiB", peak / MIB, limit / MIB, peak <= limit),
        ("RSS grown from half to half, MiB", grown / MIB, 16, grown <= 16 * MIB),
        ("descriptors, most", max(figures.descriptors), most_descriptors, None),
        ("threads, most", max(figures.threads), MOST_THREADS, None),
        ("CPU, share of one", share, MOST_CPU_SHARE, None),
        ("honest requests unserved, share", 1 - served, 1 - LEAST_SERVED_SHARE, None),
    ]
    _say(f"{counts.churned} cgroups came and went, {counts.hostile} hostile connections, ")
    _say(f"{counts.served} of {counts.asked} honest requests served\n")
    _say(f"peak of each tenth of the time, MiB of RSS: {' '.join(_tenths(figures.rss))}\n")
    _say(f"{'':34}{'seen':>10}{'bound':>10}\n")
    failed = False
    for name, seen, bound, within in rows:
        good = seen <= bound if within is None else within
        failed |= not good
        _say(f"{name:34}{seen:>10.2f}{bound:>10.2f}  {'ok' if good else 'BEYOND'}\n")
    return int(failed)


def _tenths(rss: list[int]) -> list[str]:
    """Return the largest of each tenth; flat is what does not leak."""
    bounds = [len(rss) * place // 10 for place in range(11)]
    return [f"{max(rss[low:high]) / MIB:.1f}" for low, high in pairwise(bounds) if low < high]


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _churn(tree: PodTree, pods: int, counts: Counts, stop: threading.Event) -> None:
    number = pods
    while not stop.is_set():
        made = [tree.pod(number + place) for place in range(CHURNED_EACH_ROUND)]
        for place, pod in enumerate(made):
            pod.mkdir()
            (pod / "cgroup.procs").write_text("")
            if place % 2:
                tree.write(pod, 5)
        stop.wait(0.05)
        for pod in made:
            tree.remove(pod)
        number += CHURNED_EACH_ROUND
        counts.churned += CHURNED_EACH_ROUND


def _hostile(port: int, counts: Counts, stop: threading.Event) -> None:
    """Hold as many connections as can be had, in four ways; begin anew with whichever was dropped."""
    held: list[socket.socket] = []
    while not stop.is_set():
        with contextlib.suppress(OSError):
            sock = socket.create_connection(("127.0.0.1", port), timeout=1)
            held.append(sock)
            counts.hostile += 1
            body = b'{"since": %d}' % counts.hostile
            sock.sendall(
                (
                    HISTORY + b"Content-Length: %d\r\n\r\n%s" % (len(body), body),
                    HISTORY[:20],
                    b"",
                    b"GET /nothing HTTP/1.1\r\nHost: evil.example\r\n\r\n",
                )[counts.hostile % 4]
            )
        for sock in held[1::4]:
            with contextlib.suppress(OSError):
                sock.send(b"x")
        while len(held) > 40:
            held.pop(0).close()
        stop.wait(0.25)
    for sock in held:
        sock.close()


def _honest(port: int, counts: Counts, stop: threading.Event) -> None:
    questions = (("/v1/history", b"{}"), ("/v1/sample", b'{"history": true, "process_limit": 5}'))
    while not stop.is_set():
        for path, body in questions:
            counts.asked += 1
            with contextlib.suppress(OSError):
                counts.served += ask(port, path, body).status == 200
        stop.wait(1.0)


def _look(pid: int, figures: Figures) -> None:
    figures.rss.append(_status(pid, "VmRSS") * 1024)
    figures.threads.append(_status(pid, "Threads"))
    figures.descriptors.append(len(list(Path(f"/proc/{pid}/fd").iterdir())))


def _status(pid: int, name: str) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().partition(f"{name}:")[2].split()[0])


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _limit_bytes() -> int:
    (container,) = manifests.read("base/daemonset.yaml")[0]["spec"]["template"]["spec"]["containers"]
    limit: str = container["resources"]["limits"]["memory"]
    return int(limit.removesuffix("Mi")) * MIB


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def _wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            if ask(port, "/healthz", b"", "GET").status == 200:
                return
        time.sleep(0.1)
    raise SystemExit("the agent did not begin to answer within a minute")


if __name__ == "__main__":
    sys.exit(main())
