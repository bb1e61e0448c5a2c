"""/proc/PID/smaps_rollup: what of a process is resident, summed over its mappings (fs/proc/task_mmu.c).

    00400000-7f8000000000 ---p 00000000 00:00 0                              [rollup]
    Rss:                 668 kB
    Pss:                 196 kB
    Pss_Dirty:            40 kB

It is read for thousands of processes, so there are two ways through: a fast one for the layout this
kernel was already seen to write, and a careful one, which learns layouts and blames the line.
"""

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import words

_MAX_LAYOUTS = 8
_layouts: dict[tuple[bytes, ...], tuple[str, ...]] = {}


def parse(data: bytes, source: str = "smaps_rollup") -> dict[str, int]:
    """Return every field in bytes under the kernel's own names.

    Raises ParseError where a line is not `Name: number kB`, or a name comes twice.
    """
    tokens = data.split()
    keys = tuple(tokens[6::3])
    names = _layouts.get(keys)
    if names is not None:
        values = tokens[7::3]
        if (
            len(tokens) == 6 + 3 * len(names)
            and tokens[5] == b"[rollup]"
            and tokens[8::3].count(b"kB") == len(names)
            and data.count(b"\n") == len(names) + 1
            and data.endswith(b"kB\n")
            and b"".join(values).isdigit()
            and len(max(values, key=len)) <= 15
        ):
            return dict(zip(names, [int(value) << 10 for value in values], strict=True))
    fields = _carefully(data, source)
    if len(_layouts) < _MAX_LAYOUTS:
        _layouts[keys] = tuple(fields)
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
