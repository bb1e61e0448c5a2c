"""cgroup.controllers: the controllers that are available in this cgroup.

cpuset cpu io memory hugetlb pids
"""

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import words


def parse(data: bytes, source: str) -> list[str]:
    """Return the names in the kernel's order; a cgroup without any has an empty line or nothing."""
    if not data.strip(b"\n"):
        return []
    lines = words.lines_of(data, source)
    if len(lines) != 1:
        raise ParseError(source, 2, "there is a second line")
    return [words.name(word, source, 1) for word in lines[0].split(b" ")]
