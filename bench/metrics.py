"""What a scrape costs: time, memory, bytes and series, on a full node's tree of cgroups.

usage: bench/metrics.py [PODS [CONTAINERS]]    a kubelet runs 110 pods unless told otherwise

The files are on a tmpfs, so opening and reading them costs less than in the kernel's cgroup file system,
where each reading of memory.stat may flush counters; parsing and writing the page cost the same.
"""

import http.client
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from worlds.metrics_stage import free_port
from worlds.pod_tree import PodTree

SCRAPES = 20
ACCEPT = {"Accept": "application/openmetrics-text;version=1.0.0", "Accept-Encoding": "gzip"}


def build(base: Path, pods: int, containers: int) -> PodTree:
    """Make the pods, each container with 300 MiB of everything."""
    tree = PodTree(base)
    mib = 1 << 20
    lists = {"active_anon": 100 * mib, "active_file": 50 * mib, "inactive_file": 100 * mib}
    kernel = {"kernel": 9 * mib, "slab_reclaimable": 3 * mib, "slab_unreclaimable": 2 * mib}
    for number in range(pods):
        ids = range(number * containers, (number + 1) * containers)
        pod = tree.add_pod(number, *ids, current=300 * mib, anon=100 * mib, file=150 * mib, **lists, **kernel)
        (pod / "cgroup.stat").write_text("nr_descendants 3\nnr_dying_descendants 0\n")
        for container in pod.iterdir():
            if container.is_dir():
                (container / "memory.swap.current").write_text("0\n")
    return tree


def ask(port: int, headers: dict[str, str]) -> bytes:
    """Scrape once."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/metrics", headers=headers)
    body = connection.getresponse().read()
    connection.close()
    return body


def number(page: str, name: str) -> float:
    """Return the value of a series of `page`."""
    match = re.search(rf"^{re.escape(name)} (\S+)$", page, re.MULTILINE)
    if match is None:
        raise SystemExit(f"the page has no {name}")
    return float(match[1])


def measure(port: int) -> None:
    """Scrape, and print a line for each figure."""
    before = ask(port, {}).decode()
    took = []
    for _ in range(SCRAPES):
        time.sleep(1.05)
        began = time.monotonic()
        compressed = ask(port, ACCEPT)
        took.append(time.monotonic() - began)
    time.sleep(1.05)
    after = ask(port, {}).decode()
    series = [line for line in after.splitlines() if not line.startswith("#")]
    cpu = number(after, "process_cpu_seconds_total") - number(before, "process_cpu_seconds_total")
    reading = 'memcollect_agent_measurement_cpu_seconds_total{activity="scrape"}'
    read = number(after, reading) - number(before, reading)
    print(f"series              {len(series)}")
    print(f"page                {len(after) / 1e6:.2f} MB, {len(compressed) / 1e3:.0f} kB compressed")
    print(f"a scrape took       {sorted(took)[len(took) // 2] * 1e3:.0f} ms (median of {SCRAPES})")
    print(f"CPU per scrape      {cpu / (SCRAPES + 1) * 1e3:.0f} ms")
    print(f"of it reading       {read / (SCRAPES + 1) * 1e3:.0f} ms")
    print(f"resident memory     {number(after, 'process_resident_memory_bytes') / (1 << 20):.0f} MiB")


def main() -> None:
    """Build, serve, measure."""
    pods = int(sys.argv[1]) if len(sys.argv) > 1 else 110
    containers = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory(dir="/dev/shm") as base:
        tree = build(Path(base), pods, containers)
        port = free_port()
        places = ["--proc", str(tree.proc), "--cgroup", str(tree.cgroup), "--sys", str(tree.sys)]
        options = ["--listen", f"127.0.0.1:{free_port()}", "--health-listen", "off", "--history", "off"]
        options += ["--metrics-listen", f"127.0.0.1:{port}", "--metrics-max-containers", "20000"]
        command = [sys.executable, "-m", "memcollect_agent", "serve", *places, *options]
        with subprocess.Popen(command) as agent:
            time.sleep(3)
            try:
                print(f"{pods} pods, {containers} containers each")
                measure(port)
            finally:
                agent.send_signal(signal.SIGTERM)


if __name__ == "__main__":
    main()
