"""Whether what was printed is put together from the catalogue's texts. Pure.

Two words that stand beside each other on a page do so in some text, or one text (or the part of it up to a
hole) ends where the next begins. Words that no text has are names, which somebody else has chosen.
"""

import itertools
import re
from collections.abc import Iterable, Iterator

from texts.spoken import HOLE, chosen

_PAUSE = "\n"
"""Beside which anything may stand: a hole, or where a text ends."""
_TOKEN = re.compile(r"\n|[^\W\d_]+(?:['’][^\W\d_]+)?|[^\s]")


class Adjoining:
    """Which words stand beside which others in some texts."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Learn the texts, every choice within them both ways."""
        self._pairs = {pair for text in texts for each in chosen(text) for pair in _pairs(_opened(each))}
        self._words = {word for pair in self._pairs for word in pair}

    def strange(self, printed: str, names: Iterable[str] = ()) -> list[str]:
        """Return the pairs of known words that no text, and no two texts beside each other, would print.

        `names` are words that something else has chosen, though some text has them, too.
        """
        known = self._words - set(names)
        return [
            f"{first} {second}"
            for first, second in _pairs(printed)
            if _is_word(first)
            and _is_word(second)
            and {first, second} <= known
            and (first, second) not in self._pairs
            and not ((first, _PAUSE) in self._pairs and (_PAUSE, second) in self._pairs)
        ]


def _is_word(token: str) -> bool:
    return token.isalpha() and token.islower() and len(token) > 1


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    tokens = _TOKEN.findall(text)
    return itertools.pairwise(tokens)


def _opened(text: str) -> str:
    return _PAUSE + HOLE.sub(_PAUSE, text.replace("\\n", _PAUSE)) + _PAUSE
