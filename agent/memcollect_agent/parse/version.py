"""/proc/version: which kernel runs.

Linux version 7.2.7 (sbuild@sbuild) (gcc (Debian 16.2.0-3) 16.2.0, GNU ld …) #1 Fri Sep 25 …
"""

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import words


def parse_release(data: bytes, source: str = "/proc/version") -> str:
    """Return the kernel's release, as `uname -r` prints it."""
    match words.lines_of(data, source)[0].split(b" "):
        case [b"Linux", b"version", release, *_]:
            return words.name(release, source, 1)
        case _:
            raise ParseError(source, 1, 'does not begin with "Linux version"')
