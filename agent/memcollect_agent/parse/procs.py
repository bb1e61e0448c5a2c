"""cgroup.procs: the processes that sit in this very cgroup, not those of its children.

    1925
    2020

In no order, and a process that moves meanwhile may come twice (cgroup-v2.rst). 0 stands for a process
that the reader's PID namespace cannot name. A cgroup without processes has an empty file.
"""

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import words

PID_MAX_LIMIT = 1 << 22
"""The kernel's own upper bound of a pid on 64-bit machines (include/linux/threads.h)."""


def parse(data: bytes, source: str) -> list[int]:
    """Return the pids as they stand there, repetitions and zeros included."""
    if not data:
        return []
    pids = []
    for count, line in enumerate(words.lines_of(data, source), 1):
        pid = words.number(line, source, count)
        if pid > PID_MAX_LIMIT:
            raise ParseError(source, count, f"{pid} is larger than any pid")
        pids.append(pid)
    return pids
