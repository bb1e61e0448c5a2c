"""Files of one value: memory.current, memory.max, memory.oom.group, ksm/run, boot_id, hostname.

    913408

or, in the limits (memory.max, .high, .low, .min, memory.swap.max, memory.zswap.max):

    max

or, in lru_gen/enabled, of bits:

    0x0007
"""

import re
from typing import Literal

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import words

_SHORT = 20
"""Bytes of nineteen digits, which always fit 64 bits, and the end of the line."""
_FLAGS = {b"1\n": True, b"Y\n": True, b"0\n": False, b"N\n": False}


def parse_number(data: bytes, source: str) -> int:
    """Return the one number of the file."""
    # Of what is read by the hundred: nineteen digits and the end of the line leave nothing to be checked.
    if data[:-1].isdigit() and data.endswith(b"\n") and len(data) <= _SHORT:
        return int(data)
    return words.number(_only_line(data, source), source, 1)


def parse_limit(data: bytes, source: str) -> int | Literal["max"]:
    """Return the one number of the file, or the kernel's word "max": no limit."""
    return "max" if data == b"max\n" else parse_number(data, source)


def parse_flag(data: bytes, source: str) -> bool:
    """Return whether the file says 1 or Y; 0 or N is False, anything else raises ParseError."""
    if data not in _FLAGS:
        _only_line(data, source)
        raise ParseError(source, 1, "is neither 0 nor 1, neither N nor Y")
    return _FLAGS[data]


def parse_flags(data: bytes, source: str) -> int:
    """Return the bits of the one hexadecimal number of the file, as the kernel writes them with "%#x"."""
    line = _only_line(data, source)
    if re.fullmatch(rb"0x[0-9a-f]{1,16}|0", line) is None:
        raise ParseError(source, 1, "is not a hexadecimal number")
    return int(line, 16)


def parse_word(data: bytes, source: str) -> str:
    """Return the one word of the file, printable ASCII."""
    return words.name(_only_line(data, source), source, 1)


def _only_line(data: bytes, source: str) -> bytes:
    lines = words.lines_of(data, source)
    if len(lines) != 1:
        raise ParseError(source, 2, "there is a second line")
    return lines[0]
