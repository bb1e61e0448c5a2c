"""/proc/mounts: what is mounted where (fs/proc_namespace.c; man 5 fstab).

    cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime,nsdelegate,memory_recursiveprot 0 0

Space, tab, newline, backslash and # in a path are written as three octal digits after a backslash.
"""

import re

from msgspec import Struct

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import words

_OCTAL = re.compile(r"\\([0-3][0-7]{2})")


class Mount(Struct, frozen=True, kw_only=True):
    """One line of /proc/mounts."""

    source: str
    target: str
    file_system: str
    options: list[str]


def parse(data: bytes, source: str = "/proc/mounts") -> list[Mount]:
    """Return the mounts, oldest first. Raises ParseError where a line has not six fields."""
    mounts = []
    for count, line in enumerate(words.lines_of(data, source), 1):
        fields = line.decode("utf-8", "backslashreplace").split(" ")
        if len(fields) != 6:
            raise ParseError(source, count, "is not six fields")
        device, target, file_system, options = fields[:4]
        mounts.append(
            Mount(
                source=_unescaped(device),
                target=_unescaped(target),
                file_system=file_system,
                options=options.split(","),
            )
        )
    return mounts


def _unescaped(text: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)
