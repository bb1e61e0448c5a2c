"""The code blocks of a page, each with the output that the page shows below it."""

import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)


class Block(Struct, frozen=True):
    """One block."""

    language: str
    text: str
    output: str
    """"" where the page shows none."""


def blocks(page: str) -> list[Block]:
    """Return the blocks of the page of that name in docs/."""
    return list(_blocks((DOCS / page).read_text(encoding="utf-8")))


def _blocks(text: str) -> Iterator[Block]:
    for match in _BLOCK.finditer(text):
        yield Block(match[1], match[2], match[3] or "")
