"""/proc/stat: CPU times and, in one line, when the machine was booted.

cpu  7429 0 3281 181123 …
btime 1795377000
"""

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import words


def parse_boot_time(data: bytes, source: str = "/proc/stat") -> int:
    """Return `btime`: seconds from the Unix epoch to boot, on the machine's own clock."""
    for count, line in enumerate(words.lines_of(data, source), 1):
        if line.startswith(b"btime "):
            return words.number(line[6:], source, count)
    raise ParseError(source, 0, "has no btime")
