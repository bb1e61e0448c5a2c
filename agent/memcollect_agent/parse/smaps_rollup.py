"""/proc/PID/smaps_rollup: what of a process is resident, summed over its mappings (fs/proc/task_mmu.c).

00400000-7f8000000000 ---p 00000000 00:00 0                              [rollup]
Rss:                 668 kB
Pss:                 196 kB
Pss_Dirty:            40 kB
"""

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import words
from memcollect_agent.parse.layouts import Layouts

# At most fifteen digits: what is longer may be more than any machine has, and is looked at with care.
_layouts = Layouts(rb"%b: +([0-9]{1,15}) kB\n", head=rb"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+ +\[rollup\]\n")


def parse(data: bytes, source: str = "smaps_rollup") -> dict[str, int]:
    """Return every field in bytes under the kernel's own names.

    Raises ParseError where a line is not `Name: number kB`, or a name comes twice.
    """
    fields = _layouts.numbers(data, 1024)
    if fields is None:
        fields = _carefully(data, source)
        _layouts.learn(fields)
    return fields


def _carefully(data: bytes, source: str) -> dict[str, int]:
    head, *lines = words.lines_of(data, source)
    if len(head.split()) != 6 or not head.endswith(b"[rollup]"):
        raise ParseError(source, 1, "is not the address range of a [rollup]")
    fields: dict[str, int] = {}
    for count, line in enumerate(lines, 2):
        match line.split():
            case [key, value, unit] if key.endswith(b":"):
                amount = words.kibibytes(value, unit, source, count)
                words.put(fields, words.name(key[:-1], source, count), amount, source, count)
            case _:
                raise ParseError(source, count, "is not a name, a number and kB")
    if "Rss" not in fields or "Pss" not in fields:
        raise ParseError(source, 0, "has no Rss or no Pss")
    return fields
