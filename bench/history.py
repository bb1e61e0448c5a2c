"""What the agent's history costs: CPU and system calls per tick, and bytes, for the cgroups of a full node.

    python bench/history.py [--cgroups 220] [--ticks 100] [--tree DIR]

Without --tree a node of 110 pods is written to a temporary directory, as many files beside memory.stat
in each cgroup as Linux 6.12 has; the reads then cost what a memory file system asks, and since its files go
on without their names, each is looked at once more. With --tree the given cgroup v2 mount is followed: the
real thing, on a real node. In turns with it runs the least that could be done: open, read and close of the
same files.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

sys.path[:0] = [str(Path(__file__).parents[1] / part) for part in ("agent", "tests")]

import msgspec  # noqa: E402 - the path above comes first

from memcollect_agent.history import Recorder, Settings  # noqa: E402
from memcollect_agent.history.recorder import RESCAN_TICKS  # noqa: E402
from memcollect_agent.wire import History, HistoryRequest  # noqa: E402
from worlds.pod_tree import PodTree  # noqa: E402

OTHER_FILES = 60
MILLISECOND = 1e-3
AIM = 2.5
COUNTED_TICKS = 10 * RESCAN_TICKS
"""By strace, whose own cost is not measured."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cgroups", type=int, default=220)
    parser.add_argument("--ticks", type=int, default=100)
    parser.add_argument("--tree", type=Path)
    parser.add_argument(
        "--only-ticks", action="store_true", help="measure nothing: for a program that counts"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=_memory_directory()) as scratch:
        root = options.tree or _written(Path(scratch), options.cgroups)
        if options.only_ticks:
            _ticked(root, options.ticks)
        else:
            _measure(root, options.ticks)
            _say_calls(root, Path(scratch))


def _ticked(root: Path, ticks: int) -> Recorder:
    recorder = Recorder(str(root), Settings(proc_root="/proc"))
    for _ in range(ticks):
        recorder.tick()
    return recorder


def _measure(root: Path, ticks: int) -> None:
    recorder = _ticked(root, 1)
    directories = [str(root) + one.path for one in _answer(recorder).cgroups]
    floors, all_ours = [], []
    for _ in range(max(ticks // RESCAN_TICKS, 1)):
        floors.append(_cpu(lambda: _read_only(directories)))
        all_ours.append(_cpu(recorder.tick))
    answer = _answer(recorder)
    encoded = len(msgspec.msgpack.encode(answer))
    ours, floor = median(all_ours), median(floors)
    print(f"cgroups followed    {len(answer.cgroups)}")
    print(f"CPU per tick        {_ms(all_ours)}, looking for new pods included (every {RESCAN_TICKS}th tick)")
    print(f"opening and reading {_ms(floors)}; ours is {ours / floor:.2f} times that")
    print(f"                    the aim of {AIM} times is {'met' if ours <= AIM * floor else 'NOT met'}")
    share = ours / answer.interval_seconds
    print(f"share of one CPU    {share:.2%}, with a tick every {answer.interval_seconds:g} s")
    rings = (answer.ring_bytes or 0) / (1 << 20)
    print(f"rings               {rings:.2f} MiB, {answer.depth} points of each")
    print(f"answer, whole node  {encoded / (1 << 20):.2f} MiB as MessagePack")


def _ms(seconds: list[float]) -> str:
    least, most = min(seconds) / MILLISECOND, max(seconds) / MILLISECOND
    return f"{median(seconds) / MILLISECOND:.2f} ms ({least:.2f}-{most:.2f})"


def _cpu(work: Callable[[], None]) -> float:
    """Return the CPU seconds of one of as many as hold one look for new pods."""
    begin = time.process_time()
    for _ in range(RESCAN_TICKS):
        work()
    return (time.process_time() - begin) / RESCAN_TICKS


def _say_calls(root: Path, scratch: Path) -> None:
    if shutil.which("strace") is None:
        print("system calls        not counted: strace is not installed")
        return
    more, fewer = (_calls(root, ticks, scratch / "strace") for ticks in (COUNTED_TICKS + 1, 1))
    print(f"system calls        {(more - fewer) / COUNTED_TICKS:.0f} per tick")


def _calls(root: Path, ticks: int, table: Path) -> int:
    ours = [sys.executable, __file__, "--tree", str(root), "--only-ticks", "--ticks", str(ticks)]
    subprocess.run(["strace", "-f", "-c", "-U", "calls,name", "-o", str(table), *ours], check=True)
    return int(table.read_text().split()[-2])


def _read_only(directories: list[str]) -> None:
    for directory in directories:
        for name in ("memory.stat", "memory.current"):
            fd = os.open(f"{directory}/{name}", os.O_RDONLY)
            os.read(fd, 16384)
            os.close(fd)


def _answer(recorder: Recorder) -> History:
    return recorder.history(HistoryRequest())


def _written(base: Path, cgroups: int) -> Path:
    tree = PodTree(base)
    for number in range(cgroups // 2):
        pod = tree.add_pod(number, number, current=123 << 20, anon=64 << 20, inactive_file=8 << 20)
        for directory in (pod, *(child for child in pod.iterdir() if child.is_dir())):
            for other in range(OTHER_FILES):
                (directory / f"other.{other}").touch()
    return tree.cgroup


def _memory_directory() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - a name of our own in it


if __name__ == "__main__":
    main()
