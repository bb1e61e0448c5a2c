"""/proc/zoneinfo: the page allocator's zones, of which the CPUs' own lists of free pages are wanted.

    Node 0, zone   Normal
      pages free     3885
      pagesets
        cpu: 0
                  count:    353
                  high:     378

A page on such a list is free, and NR_FREE_PAGES, which MemFree shows, does not count it (mm/page_alloc.c).
"""

import re

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import words

_COUNT = re.compile(rb"^ +count: +([0-9]{1,19})$", re.MULTILINE)


def parse_free_percpu(data: bytes, source: str = "/proc/zoneinfo") -> int:
    """Return how many pages are on the CPUs' lists, over all zones.

    Raises ParseError where there is no such list.
    """
    words.lines_of(data, source)
    counts = [int(count) for count in _COUNT.findall(data)]
    if not counts:
        raise ParseError(source, 0, "has no count of a CPU's list of free pages")
    return sum(counts)
