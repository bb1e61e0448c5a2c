"""/proc/PID/smaps_rollup: what of a process is resident, summed over its mappings (fs/proc/task_mmu.c).

    00400000-7f8000000000 ---p 00000000 00:00 0                              [rollup]
    Rss:                 668 kB
    Pss:                 196 kB
    Pss_Dirty:            40 kB

It is read for thousands of processes, so there are two ways through: a careful one, which blames the
line, and a fast one for a layout that the careful one has understood before: one regular expression
that admits nothing else.
"""

import re
from collections.abc import Iterable

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import words

_MAX_LAYOUTS = 8
_HEAD = rb"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+ +\[rollup\]\n"
_layouts: list[tuple[re.Pattern[bytes], tuple[str, ...]]] = []


def parse(data: bytes, source: str = "smaps_rollup") -> dict[str, int]:
    """Return every field in bytes under the kernel's own names.

    Raises ParseError where a line is not `Name: number kB`, or a name comes twice.
    """
    for layout, names in _layouts:
        if match := layout.fullmatch(data):
            return dict(zip(names, [int(value) << 10 for value in match.groups()], strict=True))
    fields = _carefully(data, source)
    if len(_layouts) < _MAX_LAYOUTS:
        _layouts.append((_pattern_of(fields), tuple(fields)))
    return fields


def _pattern_of(names: Iterable[str]) -> re.Pattern[bytes]:
    # At most fifteen digits: what is longer may be more than any machine has, and is looked at with care.
    lines = [re.escape(name.encode("ascii")) + rb": +([0-9]{1,15}) kB\n" for name in names]
    return re.compile(_HEAD + b"".join(lines))


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
