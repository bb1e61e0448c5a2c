"""/proc/PID/status: a process in words (fs/proc/array.c, fs/proc/task_mmu.c).

    Name:	pause
    State:	S (sleeping)
    VmRSS:	     668 kB
    VmPTE:	      28 kB
    Threads:	1

Name is the process's own choice and may be any bytes but a newline; a kernel thread and a zombie have
no Vm lines.
"""

from msgspec import Struct, field

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import words


class Status(Struct, frozen=True, kw_only=True):
    """What the agent uses of /proc/PID/status."""

    state: str
    """The letter: R, S, D, Z, …"""
    threads: int | None = None
    sizes: dict[str, int] = field(default_factory=dict)
    """Every line in kB, in bytes, under the kernel's own name: "VmRSS", "VmPTE", "RssAnon", …"""


def parse(data: bytes, source: str = "status") -> Status:
    """Return the state, the number of threads and every size.

    Raises ParseError where a line has no colon, a size is not a number of kB, or State is missing.
    """
    state = ""
    threads: int | None = None
    sizes: dict[str, int] = {}
    for count, line in enumerate(words.lines_of(data, source), 1):
        key, colon, rest = line.partition(b":")
        if not colon:
            raise ParseError(source, count, "has no colon")
        if key == b"State":
            state = words.name(rest.strip()[:1], source, count)
        elif key == b"Threads":
            threads = words.number(rest.strip(), source, count)
        elif key != b"Name" and rest.endswith(b"kB"):
            value, _, unit = rest.strip().rpartition(b" ")
            amount = words.kibibytes(value, unit, source, count)
            words.put(sizes, words.name(key, source, count), amount, source, count)
        elif key.startswith((b"Vm", b"Rss")):
            raise ParseError(source, count, "a size is not in kB")
    if not state:
        raise ParseError(source, 0, "has no State")
    return Status(state=state, threads=threads, sizes=sizes)
