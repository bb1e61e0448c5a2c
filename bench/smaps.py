"""What reading the memory of a node's processes costs: our agent beside its alternatives, in one run.

    python bench/smaps.py [--processes 1000] [--rounds 5]

Every reader reads the same herd of processes, in turns, so that whatever else the machine does meets all
alike. CPU time is user and system time together; a ratio is to the median of a floor, a C loop that only
opens, reads and closes files: each smaps_rollup, or all files that strace saw the agent open in the same
tree. Nothing here passes or fails: the aims are printed beside.
"""

import argparse
import os
import platform
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import herd
import node_tree
import opened
import psutil
import rivals
from programs import Programs
from rivals import Cost, Rival

AIM_RATIOS = {1: 1.2, 100: 1.35}
"""By the number of pods: of our CPU to that of a C loop over the same files."""
AIM_RSS_BYTES = 30 << 20
LEAST = "C: smaps_rollup alone"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--processes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    herd.require_room(options.processes)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        programs = Programs(scratch)
        pids = stack.enter_context(herd.running(programs.herd, options.processes))
        _heading(options.processes, options.rounds)
        readers = _readers(programs, scratch, pids, stack)
        _print(_measured(readers, options.rounds))


def _readers(programs: Programs, scratch: Path, pids: list[int], stack: ExitStack) -> dict[str, Rival]:
    """Return who is measured, by the name that is printed; what is not installed is named and left out."""
    readers: dict[str, Rival] = {LEAST: rivals.floor(programs, rivals.rollups(pids))}
    for pods in AIM_RATIOS:
        tree = node_tree.write(scratch / str(pods), pids, pods)
        if _installed("strace"):
            same = opened.files(rivals.sample(tree), ["/proc/", f"{tree}/"], scratch / "strace")
            readers[_floor_of(pods)] = rivals.floor(programs, same)
        readers[_ours(pods)] = rivals.memcollect(programs, tree, pids)
    readers[f"psutil {psutil.__version__} memory_full_info"] = rivals.psutil_loop(programs, pids)
    if _installed("smem"):
        readers["smem (Debian)"] = rivals.smem(programs, pids)
    if _installed("prometheus-process-exporter"):
        exporter = stack.enter_context(rivals.process_exporter(pids))
        readers["process-exporter, a scrape"] = exporter.once
    return readers


def _floor_of(pods: int) -> str:
    return f"C: the agent's files, {_counted(pods)}"


def _ours(pods: int) -> str:
    return f"memcollect-agent, {_counted(pods)}"


def _counted(pods: int) -> str:
    return "1 pod" if pods == 1 else f"{pods} pods"


def _installed(program: str) -> bool:
    found = shutil.which(program) is not None
    if not found:
        print(f"{program} is not installed and left out", file=sys.stderr)
    return found


def _measured(readers: dict[str, Rival], rounds: int) -> dict[str, list[Cost]]:
    costs: dict[str, list[Cost]] = {name: [] for name in readers}
    for _ in range(rounds):
        for name, once in readers.items():
            costs[name].append(once())
    return costs


def _heading(processes: int, rounds: int) -> None:
    gib = processes * (herd.LEAST_MIB + herd.MOST_MIB) / 2 / 1024
    print(
        f"{processes} processes of {herd.LEAST_MIB}-{herd.MOST_MIB} MiB ({gib:.1f} GiB), {rounds} rounds; "
        f"Linux {platform.release()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"
    )
    # Where the kernel has the file, psutil decides once, when it is imported.
    rollup = getattr(psutil._pslinux, "HAS_PROC_SMAPS_ROLLUP", None)  # noqa: SLF001 - to tell what it reads
    read = {True: "smaps_rollup", False: "smaps", None: "a file it does not tell"}[rollup]
    print(f"psutil reads {read}; smem reads smaps")


def _print(costs: dict[str, list[Cost]]) -> None:
    base = _cpu_seconds(costs[LEAST])
    print(f"\n{'':<30}{'CPU of the reading, ms':>26}{'× least':>9}{'with start':>12}{'peak RSS':>10}")
    for name, several in costs.items():
        times = [cost.cpu_seconds * 1e3 for cost in several]
        spread = f"{median(times):.0f} ({min(times):.0f}-{max(times):.0f})"
        wholes = [cost.whole_cpu_seconds for cost in several if cost.whole_cpu_seconds is not None]
        whole = f"{median(wholes) * 1e3:.0f} ms" if wholes else "service"
        peak = max(cost.peak_rss_bytes for cost in several) / 2**20
        print(f"{name:<30}{spread:>26}{median(times) / 1e3 / base:>9.2f}{whole:>12}{peak:>6.1f} MiB")
    print()
    for pods, aim in AIM_RATIOS.items():
        if _floor_of(pods) in costs:
            ratio = _cpu_seconds(costs[_ours(pods)]) / _cpu_seconds(costs[_floor_of(pods)])
            met = _met(ratio <= aim)
            print(f"{_counted(pods)}: our CPU is {ratio:.2f} × the same files': the aim of {aim:g} is {met}")
    peak_rss = max(cost.peak_rss_bytes for pods in AIM_RATIOS for cost in costs[_ours(pods)])
    print(
        f"our peak RSS is {peak_rss / 2**20:.1f} MiB: "
        f"the aim of {AIM_RSS_BYTES >> 20} MiB is {_met(peak_rss <= AIM_RSS_BYTES)}"
    )


def _cpu_seconds(costs: list[Cost]) -> float:
    return median(cost.cpu_seconds for cost in costs)


def _met(holds: bool) -> str:  # noqa: FBT001 - a condition in words
    return "met" if holds else "NOT met"


if __name__ == "__main__":
    main()
