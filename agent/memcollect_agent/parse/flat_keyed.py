"""Files of `name number` lines: memory.stat, memory.events, memory.swap.events, cgroup.stat, /proc/vmstat.

    anon 40960
    file 716800
    kernel 155648

Documentation/admin-guide/cgroup-v2.rst calls this form "flat keyed". memory.stat is in bytes except
for the event counters; the names tell which.
"""

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import words
from memcollect_agent.parse.layouts import Layouts

# Nineteen digits always fit 64 bits; a number of twenty is looked at with care.
_layouts = Layouts(rb"%b ([0-9]{1,19})\n", limit=16)


def parse(data: bytes, source: str) -> dict[str, int]:
    """Return the numbers under the kernel's own names.

    Raises ParseError for anything else than lines of one name and one number, and for a name
    that comes twice.
    """
    fields = _layouts.numbers(data)
    if fields is None:
        fields = _carefully(data, source)
        _layouts.learn(fields)
    return fields


def _carefully(data: bytes, source: str) -> dict[str, int]:
    fields: dict[str, int] = {}
    for count, line in enumerate(words.lines_of(data, source), 1):
        key, separator, value = line.partition(b" ")
        if not separator:
            raise ParseError(source, count, "is not a name and a number")
        words.put(fields, words.name(key, source, count), words.number(value, source, count), source, count)
    return fields
