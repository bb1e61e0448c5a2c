"""/proc/swaps: the swap devices in use.

Filename				Type		Size		Used		Priority
/dev/ubdb                               partition	131068		49152		-2
"""

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import words


def parse_count(data: bytes, source: str = "/proc/swaps") -> int:
    """Return how many swap devices there are."""
    head, *devices = words.lines_of(data, source)
    if not head.startswith(b"Filename"):
        raise ParseError(source, 1, "is not the heading of the swap table")
    return len(devices)
