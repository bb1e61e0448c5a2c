"""/proc/PID/stat: a process in one line of numbers (man 5 proc_pid_stat; fs/proc/array.c).

    1925 (pause) S 1846 1925 1925 0 -1 4194560 1192 0 14 0 22 0 0 0 20 0 1 0 3733 983040 167 …

The second field is the process's own choice: it may hold spaces, newlines and parentheses, so what
counts is the *last* ')'.
"""

from msgspec import Struct

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import words

_PF_KTHREAD = 0x00200000  # include/linux/sched.h
_DEAD_STATES = frozenset("ZXx")


class PidStat(Struct, frozen=True):
    """What the agent uses of /proc/PID/stat."""

    pid: int
    comm: str
    """Bytes that are not UTF-8 are written \\xNN."""
    state: str
    ppid: int
    threads: int
    start_ticks: int
    """Clock ticks (sysconf CLK_TCK) from boot to the process's start; with the pid, its identity."""
    rss_pages: int
    """Resident pages; since commit f1a7941243c1 (6.2) from per-CPU counters, which may be some pages
    behind."""
    is_kernel_thread: bool
    layout: bytes = b""
    """Where code, stack, data, heap and arguments lie in its address space, as the kernel's own words: set
    by exec, and at random places; b"" where the reader may not know (fs/proc/array.c, ptrace_may_access)."""

    @property
    def is_zombie(self) -> bool:
        """Whether this thread has ended and only waits to be reaped; other threads may still run."""
        return self.state in _DEAD_STATES


def parse(data: bytes, source: str = "stat") -> PidStat:
    """Return the fields that the agent uses. Raises ParseError where one is not what it should be."""
    opening = data.find(b"(")
    closing = data.rfind(b")")
    rest = data[closing + 1 :].split()
    if opening < 1 or closing < opening or len(rest) < 22:
        raise ParseError(source, 1, "is not a pid, a name in parentheses and twenty-two fields or more")
    if len(rest[0]) != 1 or not rest[0].isalpha():
        raise ParseError(source, 1, "the state is not a letter")
    rss = rest[21]
    return PidStat(
        words.number(data[:opening].rstrip(b" "), source, 1),
        data[opening + 1 : closing].decode("utf-8", "backslashreplace"),
        rest[0].decode("ascii"),
        words.number(rest[1], source, 1),
        words.number(rest[17], source, 1),
        words.number(rest[19], source, 1),
        # Signed in the kernel: the sum of per-CPU counters may be caught below zero.
        0 if rss[:1] == b"-" and rss[1:].isdigit() else words.number(rss, source, 1),
        bool(words.number(rest[6], source, 1) & _PF_KTHREAD),
        _layout(rest),
    )


def _layout(rest: list[bytes]) -> bytes:
    # startcode, endcode and startstack; start_data to env_end, which 3.5 added.
    places = [*rest[23:26], *rest[42:49]]
    return b" ".join(places) if rest[25:26] not in ([], [b"0"]) else b""
