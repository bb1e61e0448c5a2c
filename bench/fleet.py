"""A snapshot in summary of a made-up fleet, whose agents remember two minutes as real ones do.

    python bench/fleet.py [--nodes 500] [--pods 30] [--agents 2] [--depth summary]

Prints what it took, and whether the last agent was asked in time: one that is asked more than two minutes
after kubectl top's sample has no point of its time left. The stand-in API server holds every object, so the
fleet's size is bounded by this machine's memory (printed). Everything shares this machine's CPUs.
"""

import argparse
import os
import platform
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from live_answers import DEPTH, INTERVAL_SECONDS
from programs import Programs

import collector
from memcollect.documents.snapshot import Snapshot, Top
from memcollect.documents.stored import open_snapshot

HERE = Path(__file__).parent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--nodes", type=int, default=500)
    parser.add_argument("--pods", type=int, default=30)
    parser.add_argument("--agents", type=int, default=2, help="processes that the agents live in")
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--depth", choices=["summary", "full"], default="summary")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(
        f"{options.nodes} agents x {options.pods} pods, depth {options.depth}; Linux {platform.release()},"
        f" {os.cpu_count()} CPUs, Python {platform.python_version()}, load before {load:.1f}"
    )
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        programs = Programs(scratch)
        asked, saved = scratch / "asked", scratch / "snapshot.json"
        kubeconfig = stack.enter_context(
            collector.cluster(options, scratch, options.agents, f"--asked={asked}")
        )
        size = [f"--nodes={options.nodes}", f"--pods={options.pods}", f"--concurrency={options.concurrency}"]
        # First of the two: the stand-in's metrics sample is taken once, when it begins.
        ours = collector.timed(programs, _snapshot(kubeconfig, saved, options))
        last_asked = float(asked.read_text(encoding="utf-8"))
        bare = collector.timed(
            programs, [sys.executable, str(HERE / "bare_client.py"), f"--kubeconfig={kubeconfig}", *size]
        )
        with open_snapshot(str(saved)) as stored:
            tops = [pod.top for pod in stored.pods if pod.top is not None and pod.top.timestamp is not None]
            _print(bare, ours, stored.rest, stored.size_bytes)
            _print_ages(tops, last_asked)


def _snapshot(kubeconfig: Path, saved: Path, options: argparse.Namespace) -> list[str]:
    words = ["-m", "memcollect", "snapshot", "--sample=fleet", "-A", "--format=json", "-o", str(saved)]
    words += [f"--depth={options.depth}", f"--kubeconfig={kubeconfig}"]
    return [sys.executable, *words, f"--concurrency={options.concurrency}"]


def _print(bare: collector.Timed, ours: collector.Timed, rest: Snapshot, size_bytes: int) -> None:
    listed, answered = (int(word) for word in bare.run.output.split())
    pods = rest.summary.pods
    print(f"through the API server: lists {listed / 2**20:.1f} MiB, answers {answered / 2**20:.1f} MiB")
    print(f"document: {size_bytes / 1e6:.1f} MB, {size_bytes / pods:.0f} bytes a pod")
    for name, each in (("bare client", bare), ("memcollect", ours)):
        print(
            f"{name:<12} {each.wall_seconds:7.1f} s, {each.run.cpu_seconds:7.1f} s of CPU"
            f" ({each.run.cpu_seconds * 1e3 / pods:.2f} ms a pod), peak RSS"
            f" {each.run.peak_rss_bytes / 2**20:.0f} MiB"
        )
    print(f"by the clock {ours.wall_seconds / bare.wall_seconds:.2f} x the bare client")


def _print_ages(tops: list[Top], last_asked: float) -> None:
    aligned = [each for each in tops if each.working_set_at_sample_bytes is not None]
    oldest = last_asked - min((each.timestamp or 0.0 for each in tops), default=last_asked)
    print(
        f"{len(aligned)} of {len(tops)} pods aligned with kubectl top's sample; the last agent was asked"
        f" {oldest:.0f} s after it, of {DEPTH * INTERVAL_SECONDS:.0f} s that it remembers"
    )


if __name__ == "__main__":
    main()
