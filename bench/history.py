"""What the agent's history costs: CPU per tick, and bytes, for the cgroups of a full node.

    python bench/history.py [--cgroups 220] [--ticks 100] [--tree DIR]

Without --tree a node of 110 pods is written to a temporary directory, as many files beside memory.stat
in each cgroup as Linux 6.12 has; the reads then cost what a memory file system asks. With --tree the
given cgroup v2 mount is followed: the real thing, on a real node.
Beside it, in the same run, runs the least that could be done: open, read and close of the same files.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / part) for part in ("agent", "tests")]

import msgspec  # noqa: E402 - the path above comes first

from memcollect_agent.history import Recorder, Settings  # noqa: E402
from memcollect_agent.wire import History, HistoryRequest  # noqa: E402
from worlds.pod_tree import PodTree  # noqa: E402

OTHER_FILES = 60
MILLISECOND = 1e-3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cgroups", type=int, default=220)
    parser.add_argument("--ticks", type=int, default=100)
    parser.add_argument("--tree", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=_memory_directory()) as scratch:
        root = options.tree or _written(Path(scratch), options.cgroups)
        _measure(root, options.ticks)


def _measure(root: Path, ticks: int) -> None:
    recorder = Recorder(str(root), Settings())
    recorder.tick()
    directories = [str(root) + one.path for one in _answer(recorder).cgroups]
    floor = _cpu(lambda: _read_only(directories), ticks)
    ours = _cpu(recorder.tick, ticks)
    answer = _answer(recorder)
    encoded = len(msgspec.msgpack.encode(answer))
    print(f"cgroups followed    {len(answer.cgroups)}")
    print(f"CPU per tick        {ours / MILLISECOND:.2f} ms, rescans included (every 5th tick)")
    print(f"opening and reading {floor / MILLISECOND:.2f} ms; ours is {ours / floor:.2f} times that")
    share = ours / answer.interval_seconds
    print(f"share of one CPU    {share:.2%}, with a tick every {answer.interval_seconds:g} s")
    rings = (answer.ring_bytes or 0) / (1 << 20)
    print(f"rings               {rings:.2f} MiB, {answer.depth} points of each")
    print(f"answer, whole node  {encoded / (1 << 20):.2f} MiB as MessagePack")


def _cpu(work: Callable[[], None], times: int) -> float:
    begin = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - begin) / times


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
