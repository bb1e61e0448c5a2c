"""The fast way through a text that a kernel writes the same way each time, thousands of times.

A careful parser understands such a text once, line by line, and can say which line is wrong. Its lines
are then remembered as one regular expression that admits nothing but other numbers in the same places.
"""

import re
from collections.abc import Iterable


class Layouts:
    """The layouts seen so far, at most `limit`; `line` is a line with `%b` in place of the field's name.

    The one group of `line` is the number; it must admit no number that needs care.
    """

    def __init__(self, line: bytes, *, head: bytes = b"", limit: int = 8) -> None:
        self._line = line
        self._head = head
        self._limit = limit
        self._known: list[tuple[re.Pattern[bytes], tuple[str, ...]]] = []

    def __len__(self) -> int:
        return len(self._known)

    def numbers(self, data: bytes, factor: int = 1) -> dict[str, int] | None:
        """Return each number times `factor` under its field's name; None for a text of no known layout."""
        for layout, names in self._known:
            if match := layout.fullmatch(data):
                # Many are 0, and to compare is quicker than to convert.
                numbers = [0 if value == b"0" else int(value) * factor for value in match.groups()]
                return dict(zip(names, numbers, strict=True))
        return None

    def learn(self, names: Iterable[str]) -> None:
        """Remember the layout of a text that the careful parser understood: its fields, in order."""
        if len(self._known) < self._limit:
            names = tuple(names)
            lines = [self._line % re.escape(name.encode("ascii")) for name in names]
            self._known.append((re.compile(self._head + b"".join(lines)), names))

    def forget(self) -> None:
        """Forget every layout."""
        self._known.clear()
