r"""/proc/PID/mountinfo: every mount that a process sees (fs/proc_namespace.c, show_mountinfo; man 5 proc).

    36 35 98:0 /mnt1 /mnt/parent rw,noatime master:1 - ext3 /dev/root rw,errors=continue

Space, tab, newline, backslash and # are written as three octal digits after a backslash.
"""

import os
import re

from msgspec import Struct

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import words

_OCTAL = re.compile(rb"\\([0-3][0-7]{2})")


class MountPoint(Struct, frozen=True, kw_only=True):
    """One line. Paths are as os.fsdecode gives them, so that they can be opened again."""

    id: int
    device: str
    """"MAJOR:MINOR"."""
    root: str
    """Which directory of the file system is mounted."""
    target: str
    """Where, seen from the process's root."""
    file_system: str
    super_options: list[tuple[str, str]]
    """Of the file system, in order; an option without a value has ""."""

    def is_above(self, path: str) -> bool:
        """Whether `path` is reached through this mount's own directory."""
        return path != self.target and path.startswith(self.target.rstrip("/") + "/")


def parse(data: bytes, source: str = "mountinfo") -> list[MountPoint]:
    """Return the mounts, oldest first. Raises ParseError where a line has not its ten fields or more."""
    return [_mount(line, source, count) for count, line in enumerate(words.lines_of(data, source), 1)]


def _mount(line: bytes, source: str, count: int) -> MountPoint:
    fields = line.split(b" ")
    try:
        dash = fields.index(b"-", 6)
        file_system, _, options = fields[dash + 1 : dash + 4]
    except ValueError as error:
        raise ParseError(source, count, "is no mount with its file system after a dash") from error
    return MountPoint(
        id=words.number(fields[0], source, count),
        device=fields[2].decode("ascii", "replace"),
        root=_text(fields[3]),
        target=_text(fields[4]),
        file_system=_text(file_system),
        super_options=[_option(each) for each in options.split(b",")],
    )


def _option(text: bytes) -> tuple[str, str]:
    name, _, value = text.partition(b"=")
    return _text(name), _text(value)


def _text(escaped: bytes) -> str:
    return os.fsdecode(_OCTAL.sub(lambda match: bytes([int(match[1], 8)]), escaped))
