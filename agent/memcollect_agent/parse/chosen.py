"""Files that show every choice and put the present one in brackets.

    always [madvise] never

/sys/kernel/mm/transparent_hugepage/enabled is one (Documentation/admin-guide/mm/transhuge.rst).
"""

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import words


def parse(data: bytes, source: str) -> str:
    """Return the word in brackets. Raises ParseError where there is none, or more than one."""
    chosen = [
        word[1:-1]
        for word in words.lines_of(data, source)[0].split(b" ")
        if word.startswith(b"[") and word.endswith(b"]")
    ]
    if len(chosen) != 1:
        raise ParseError(source, 1, "does not have exactly one choice in brackets")
    return words.name(chosen[0], source, 1)
