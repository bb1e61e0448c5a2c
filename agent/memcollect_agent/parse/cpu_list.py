"""/sys/devices/system/cpu/online: ranges of CPU numbers.

0-3,8,10-11
"""

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import words


def parse_count(data: bytes, source: str) -> int:
    """Return how many CPUs the list names. Raises ParseError where a range is not ascending."""
    count = 0
    last = -1
    for part in words.lines_of(data, source)[0].split(b","):
        first_word, dash, final_word = part.partition(b"-")
        first = words.number(first_word, source, 1)
        final = words.number(final_word, source, 1) if dash else first
        if first <= last or final < first:
            raise ParseError(source, 1, "the ranges do not ascend")
        count += final - first + 1
        last = final
    return count
