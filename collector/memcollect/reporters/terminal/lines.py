"""Lines that never exceed the width: the small kit that the parts of the terminal report are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from memcollect.reporters.escape import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

ELLIPSIS = "…"
BAR_PARTS = " ▏▎▍▌▋▊▉"
BAR_FULL = "█"


def cut(text: str, width: int) -> str:
    """Return `text` in at most `width` columns; the end gives way, as a "…" shows."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(width - 1, 0)).rstrip() + ELLIPSIS if width > 0 else ""


def cut_middle(text: str, width: int) -> str:
    """Return `text` in at most `width` columns; the middle gives way, for a pod's name tells by its end."""
    if cell_len(text) <= width:
        return text
    if width < 8 or not text.isascii():
        return cut(text, width)
    tail = (width - 1) // 2
    return text[: width - 1 - tail] + ELLIPSIS + text[len(text) - tail :]


def left(text: str, width: int) -> str:
    """Return `text` cut or padded to exactly `width` columns."""
    return set_cell_size(cut(text, width), width)


def right(text: str, width: int) -> str:
    """Return `text` set to the right of `width` columns; a number is never cut."""
    return " " * (width - cell_len(text)) + text


def bar(part: int, whole: int, width: int) -> str:
    """Return a bar of `part` in `whole` in eighths of a column; anything at all shows a sliver."""
    if whole <= 0 or part <= 0 or width <= 0:
        return ""
    eighths = min(max(part * width * 8 // whole, 1), width * 8)
    full, rest = divmod(eighths, 8)
    return BAR_FULL * full + (BAR_PARTS[rest] if rest else "")


def paragraph(text: str, width: int, *, indent: str = "  ", first: str | None = None) -> Iterator[Text]:
    """Yield `text` (from outside: it is made visible here) folded into lines of at most `width` columns.

    `first` is the first line's prefix, `indent` that of the others.
    """
    prefix = indent if first is None else first
    body = visible(text)
    for line in _folded(body, width - max(cell_len(indent), cell_len(prefix))):
        yield Text(prefix + line)
        prefix = indent


def _folded(body: str, width: int) -> Iterator[str]:
    """Yield the words of `body` in lines of `width` columns, breaking only words that are longer."""
    width = max(width, 8)
    line = ""
    for word in body.split():
        rest = word
        joined = f"{line} {rest}" if line else rest
        if cell_len(joined) <= width:
            line = joined
            continue
        if line:
            yield line
        while cell_len(rest) > width:
            head = set_cell_size(rest, width).rstrip()
            yield head
            rest = rest[len(head) :]
        line = rest
    if line:
        yield line
