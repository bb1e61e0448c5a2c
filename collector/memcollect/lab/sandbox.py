"""What runs in a sandbox of the lab's provisioner: private memory, and workers forked from it.

    python3 -I -S sandbox.py MIB WORKERS MIB_OF_EACH

Started a hundred at a time on a slow kernel, so it imports nothing that it can do without. Prints "ready"
when its memory is there, and ends with its stdin.
"""

import mmap
import os
import signal
import sys

MIB = 1 << 20
_FLAGS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


def main(own_mib: int, workers: int, worker_mib: int) -> None:
    """Hold memory until stdin ends; the workers end with their parent."""
    heap = filled(own_mib)
    gone, alive = os.pipe()
    for _ in range(workers):
        if os.fork() == 0:
            os.close(alive)
            work(worker_mib, gone)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    heap.close()


def work(mib: int, gone: int) -> None:
    """Hold a worker's own memory until the parent's end of the pipe is closed, by whatever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    heap = filled(mib)
    os.read(gone, 1)
    heap.close()
    os._exit(0)


def filled(mib: int) -> mmap.mmap:
    """Return private memory of which every page was written."""
    pages = mmap.mmap(-1, max(1, mib) * MIB, flags=_FLAGS)
    for at in range(0, mib * MIB, mmap.PAGESIZE):
        pages[at] = 1
    return pages


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
