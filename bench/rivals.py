"""Whoever reads the memory of processes: each is asked for the same ones, and its cost is taken."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from programs import Programs


@dataclass(frozen=True)
class Cost:
    """What one reading cost."""

    cpu_seconds: float
    """Of the reading alone where the program tells it apart, of the whole program where it cannot."""
    whole_cpu_seconds: float | None
    """From the program's start to its end; None for a service, which starts once."""
    peak_rss_bytes: int


Rival = Callable[[], Cost]


def floor(programs: Programs, paths: list[str]) -> Rival:
    """Return the C loop that opens, reads and closes each of these files, and looks at nothing."""

    def once() -> Cost:
        run = programs.run(programs.floor, stdin=_lines(paths))
        loop, _, _, failed = run.output.split()
        _require(int(failed) == 0, f"the floor could not read {failed} files: run as their user or root")
        return Cost(float(loop), run.cpu_seconds, run.peak_rss_bytes)

    return once


def rollups(pids: list[int]) -> list[str]:
    """Return the one file of each process that whoever reads PSS must read."""
    return [f"/proc/{pid}/smaps_rollup" for pid in pids]


def sample(tree: Path) -> list[str]:
    """Return the command of the agent's sample of a whole node."""
    return [sys.executable, "-m", "memcollect_agent", "sample", "--cgroup", str(tree)]


def memcollect(programs: Programs, tree: Path, pids: list[int]) -> Rival:
    """Return the agent's `sample` of the whole node, as its own cost line and as a program."""

    def once() -> Cost:
        run = programs.run(*sample(tree))
        answer = json.loads(run.output)
        read = sum(child["sums"].get("read", 0) for pod in answer["pods"] for child in pod["containers"])
        _require(read == len(pids), f"the agent read {read} of {len(pids)} processes")
        return Cost(answer["cost"]["cpu_seconds"], run.cpu_seconds, run.peak_rss_bytes)

    return once


def psutil_loop(programs: Programs, pids: list[int]) -> Rival:
    """Return psutil's memory_full_info() in a loop."""
    script = str(Path(__file__).with_name("psutil_loop.py"))

    def once() -> Cost:
        run = programs.run(sys.executable, script, stdin=_lines(pids))
        return Cost(float(run.output.split()[0]), run.cpu_seconds, run.peak_rss_bytes)

    return once


def smem(programs: Programs, pids: list[int]) -> Rival:
    """Return Debian's smem, told to look at the herd only. It reads smaps, not smaps_rollup."""

    def once() -> Cost:
        run = programs.run("smem", "-H", "-c", "pid pss", "-P", r"/herd \d+ \d+ \d+$")
        shown = {int(line.split()[0]) for line in run.output.splitlines()}
        _require(shown >= set(pids), f"smem showed {len(shown & set(pids))} of {len(pids)} processes")
        return Cost(run.cpu_seconds, run.cpu_seconds, run.peak_rss_bytes)

    return once


class ProcessExporter:
    """A running prometheus-process-exporter that gathers smaps, asked over loopback."""

    def __init__(self, pid: int, port: int, expected: int) -> None:
        self._pid = pid
        self._port = port
        self._expected = expected

    def once(self) -> Cost:
        """Return what one of two scrapes cost."""
        before = _cpu_seconds(self._pid)
        for _ in range(2):
            found = self.scraped()
            _require(found == self._expected, f"the exporter counted {found} of {self._expected} processes")
        after = _cpu_seconds(self._pid)
        return Cost((after - before) / 2, None, _peak_rss_bytes(self._pid))

    def scraped(self) -> int:
        """Return how many processes one scrape counted. Raises OSError where nobody answers."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=60) as answer:
            text = answer.read().decode()
        counts = [line for line in text.splitlines() if line.startswith("namedprocess_namegroup_num_procs{")]
        return int(float(counts[0].split()[-1])) if counts else 0


@contextmanager
def process_exporter(pids: list[int]) -> Iterator[ProcessExporter]:
    """Have the exporter run and follow the herd only."""
    port = _free_port()
    command = ["prometheus-process-exporter", "-gather-smaps", "-threads=false", "-children=false"]
    command += ["-procnames=herd", f"-web.listen-address=127.0.0.1:{port}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as service:
        try:
            exporter = ProcessExporter(service.pid, port, len(pids))
            _wait_for(exporter)
            yield exporter
        finally:
            service.kill()


def _wait_for(exporter: ProcessExporter) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            exporter.scraped()
        except OSError:
            _require(time.monotonic() < deadline, "prometheus-process-exporter does not answer")
            time.sleep(0.1)
        else:
            return


def _lines(items: list[int] | list[str]) -> str:
    return "".join(f"{item}\n" for item in items)


def _require(holds: bool, sentence: str) -> None:  # noqa: FBT001 - a condition and its sentence
    if not holds:
        raise SystemExit(sentence)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_rss_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
