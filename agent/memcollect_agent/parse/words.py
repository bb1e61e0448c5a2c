"""What the parsers share: lines, names and numbers, each checked and blamed on its line.

The kernel writes unsigned decimal numbers of at most 64 bits, and ends every line. A text whose last
line is not ended was cut, and a cut number is a wrong number.
"""

from memcollect_agent.errors import ParseError

MAX_NUMBER = (1 << 64) - 1
MAX_KIBIBYTES = 1 << 50
"""More than any address space, and its number of bytes still fits 64 bits with room for a sum."""


def lines_of(data: bytes, source: str) -> list[bytes]:
    """Return the lines of `data` without their ends.

    Raises ParseError for an empty text, a NUL byte or a last line without an end.
    """
    if not data:
        raise ParseError(source, 0, "is empty")
    if b"\0" in data:
        raise ParseError(source, data[: data.index(b"\0")].count(b"\n") + 1, "holds a NUL byte")
    if not data.endswith(b"\n"):
        raise ParseError(source, data.count(b"\n") + 1, "ends in the middle of a line")
    return data[:-1].split(b"\n")


def number(word: bytes, source: str, line: int) -> int:
    """Return the unsigned 64-bit decimal number that `word` is."""
    # isdigit() of bytes knows ASCII digits only: no sign, no underscore, no other script.
    if word.isdigit() and len(word) <= 20:
        value = int(word)
        if value <= MAX_NUMBER:
            return value
    raise ParseError(source, line, f"{_shown(word)} is not a number the kernel can write")


def kibibytes(word: bytes, unit: bytes, source: str, line: int) -> int:
    """Return in bytes what `word` and its `unit`, which must be kB (meaning KiB), say."""
    if unit != b"kB":
        raise ParseError(source, line, f"the unit is {_shown(unit)}, not kB")
    value = number(word, source, line)
    if value > MAX_KIBIBYTES:
        raise ParseError(source, line, f"{value} kB is more than any machine has")
    return value * 1024


def name(word: bytes, source: str, line: int) -> str:
    """Return `word` as the name of a field: printable ASCII without spaces, at most 128 bytes."""
    if word and len(word) <= 128 and word.isascii():
        text = word.decode("ascii")
        if text.isprintable() and " " not in text:
            return text
    raise ParseError(source, line, f"{_shown(word)} is not a field's name")


def put(fields: dict[str, int], key: str, value: int, source: str, line: int) -> None:
    """Add a field; a name that comes twice raises ParseError, since one of the two is wrong."""
    if key in fields:
        raise ParseError(source, line, f"{key} comes a second time")
    fields[key] = value


def _shown(word: bytes) -> str:
    return repr(word[:40])[1:]
