"""Read the memory of the processes named on stdin with psutil; print the CPU seconds the loop took."""

import sys
import time

import psutil


def main() -> None:
    """One memory_full_info() for each pid."""
    pids = [int(line) for line in sys.stdin]
    begin = time.process_time()
    total = sum(psutil.Process(pid).memory_full_info().pss for pid in pids)
    print(time.process_time() - begin, total)


if __name__ == "__main__":
    main()
