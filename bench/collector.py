"""What the collector makes of a large cluster costs, beside merely fetching the same bytes.

    python bench/collector.py [--nodes 1000] [--pods 30] [--concurrency 32] [--rounds 3]
                              [--depth summary|both]

Three processes: the stand-in API server, the agents behind it, and, in turns, `memcollect snapshot -A` and a
bare client that fetches the same and drops it. All of them share this machine's CPUs, as a real API
server would not. `--nodes 300 --rounds 2 --depth both` prints both ratios in less than three minutes, on a
machine with nothing else to do (its load is printed). Nothing here passes or fails: the aims are printed
beside.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import decoding
from programs import Programs, Run

AIM_RATIOS = {"full": 3.0, "summary": 2.0}
AIM_RSS_BYTES = 300 << 20
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Timed:
    """A run and how long it took."""

    run: Run
    wall_seconds: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--pods", type=int, default=30)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--depth", choices=[*AIM_RATIOS, "both"], default="full")
    options = parser.parse_args()
    print(
        f"{options.nodes} agents x {options.pods} pods, {options.concurrency} at once, "
        f"{options.rounds} rounds; Linux {platform.release()}, {os.cpu_count()} CPUs, "
        f"Python {platform.python_version()}, load before {os.getloadavg()[0]:.1f}"
    )
    depths = list(AIM_RATIOS) if options.depth == "both" else [options.depth]
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        _keep_bytecode(scratch / "bytecode")
        programs = Programs(scratch)
        kubeconfig = stack.enter_context(cluster(options, scratch))
        for depth in depths:
            bare, ours = measured(programs, kubeconfig, scratch, options, depth)
            _print(bare, ours, (scratch / "snapshot.json").stat().st_size, depth)
    if options.depth != "both":
        decoding.compare(options.nodes, options.pods)


def measured(
    programs: Programs, kubeconfig: Path, scratch: Path, options: argparse.Namespace, depth: str
) -> tuple[list[Timed], list[Timed]]:
    """Run the bare client and the snapshot at that depth in turns."""
    size = [f"--nodes={options.nodes}", f"--pods={options.pods}", f"--concurrency={options.concurrency}"]
    fetch = [sys.executable, str(_HERE / "bare_client.py"), f"--kubeconfig={kubeconfig}", *size]
    snapshot = [
        sys.executable,
        "-m",
        "memcollect",
        "snapshot",
        "--sample=bench",
        "-A",
        "--format=json",
        "--force",
        f"--depth={depth}",
    ]
    snapshot += [f"--kubeconfig={kubeconfig}", f"--concurrency={options.concurrency}"]
    snapshot += ["-o", str(scratch / "snapshot.json")]
    bare, ours = [], []
    timed(programs, fetch)  # not counted: the agents make their answers, and Python its bytecode
    timed(programs, snapshot)
    for _ in range(options.rounds):
        bare.append(timed(programs, fetch))
        ours.append(timed(programs, snapshot))
    return bare, ours


def timed(programs: Programs, command: list[str]) -> Timed:
    """Run a command and take its time."""
    begin = time.monotonic()
    run = programs.run(*command)
    return Timed(run, time.monotonic() - begin)


def _keep_bytecode(where: Path) -> None:
    """Have programs find their bytecode there from the second time on, as an installation has it."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(where)


@contextmanager
def cluster(options: argparse.Namespace, scratch: Path, agents: int = 1, *live: str) -> Iterator[Path]:
    """Have the made-up cluster run, its agents in so many processes; the path of its kubeconfig.

    `live` are options of these processes; with any the metrics sample is as young as it can be.
    """
    kubeconfig = scratch / "kubeconfig"
    now = time.time()
    pods = f"--pods={options.pods}"
    with ExitStack() as stack:
        begun = [
            stack.enter_context(service("simulated_agents.py", pods, f"--now={now}", *live))
            for _ in range(agents)
        ]
        stack.enter_context(
            service(
                "simulated_api.py",
                pods,
                *([] if live else [f"--now={now}"]),
                f"--nodes={options.nodes}",
                *(f"--agents-port={each[0]}" for each in begun),
                f"--working-set={begun[0][1]}",
                f"--kubeconfig={kubeconfig}",
            )
        )
        yield kubeconfig


@contextmanager
def service(script: str, *arguments: str) -> Iterator[list[str]]:
    """Have a script of this folder run until the block ends; the words of its first line."""
    command = [sys.executable, str(_HERE / script), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        words = process.stdout.readline().split() if process.stdout else []
        if not words:
            raise SystemExit(f"{script} did not start")
        try:
            yield words
        finally:
            process.terminate()


def _print(bare: list[Timed], ours: list[Timed], document_bytes: int, depth: str) -> None:
    listed, answered = (int(word) for word in bare[0].run.output.split())
    print(f"lists {listed / 2**20:.0f} MiB, agents' answers {answered / 2**20:.0f} MiB", end=", ")
    print(f"document {document_bytes / 2**20:.0f} MiB\n")
    print(f"{'':<24}{'wall, s':>22}{'CPU, s':>10}{'peak RSS':>12}")
    for name, several in (("bare client", bare), ("memcollect snapshot", ours)):
        walls = [each.wall_seconds for each in several]
        wall = f"{median(walls):.1f} ({min(walls):.1f}-{max(walls):.1f})"
        cpu = median(each.run.cpu_seconds for each in several)
        peak = max(each.run.peak_rss_bytes for each in several) / 2**20
        print(f"{name:<24}{wall:>22}{cpu:>10.1f}{peak:>8.0f} MiB")
    ratio = median(each.wall_seconds for each in ours) / median(each.wall_seconds for each in bare)
    peak_rss = max(each.run.peak_rss_bytes for each in ours)
    aim = AIM_RATIOS[depth]
    print(
        f"\nour wall time is {ratio:.2f} x the bare client's: the aim of {aim} at depth {depth} is"
        f" {_met(ratio <= aim)}"
    )
    print(
        f"our peak RSS is {peak_rss / 2**20:.0f} MiB: "
        f"the aim of {AIM_RSS_BYTES >> 20} MiB is {_met(peak_rss <= AIM_RSS_BYTES)}"
    )


def _met(holds: bool) -> str:  # noqa: FBT001 - a condition in words
    return "met" if holds else "NOT met"


if __name__ == "__main__":
    main()
