"""/proc/meminfo: the machine's memory.

MemTotal:        6168220 kB
HugePages_Total:       0
Hugepagesize:       2048 kB
"""

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import words


def parse(data: bytes, source: str = "/proc/meminfo") -> dict[str, int]:
    """Return the lines under the kernel's own names: kB lines in bytes, HugePages_* lines as counts."""
    fields: dict[str, int] = {}
    for count, line in enumerate(words.lines_of(data, source), 1):
        match line.split():
            case [key, value, unit]:
                amount = words.kibibytes(value, unit, source, count)
            case [key, value] if key.startswith(b"HugePages_"):
                amount = words.number(value, source, count)
            case _:
                raise ParseError(source, count, "is not a name, a number and kB")
        if not key.endswith(b":"):
            raise ParseError(source, count, "the name does not end in a colon")
        words.put(fields, words.name(key[:-1], source, count), amount, source, count)
    return fields
