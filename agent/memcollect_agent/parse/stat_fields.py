"""memory.stat again, but only some of its fields, and fast.

The history reads the file of every cgroup of the node every two seconds, and needs a dozen of its
sixty lines. A kernel writes the same lines in the same order each time, so the order is learned once
by the careful parser, and is one regular expression after that.
"""

import re

from memcollect_agent.parse import flat_keyed

# Nineteen digits always fit 64 bits; a number of twenty is looked at with care. Fewer of the digits would not
# fit the line either, so the possessive "+" spares keeping the places to go back to.
_WANTED = rb"%b ([0-9]{1,19}+)\n"
_OTHER = rb"%b [0-9]{1,19}+\n"


class StatFields:
    """Picks the fields `names` out of texts of the form `name number`, each line ended."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self._layout: re.Pattern[bytes] | None = None
        self._places: list[int] = []

    def parse(self, data: bytes, source: str) -> list[int | None]:
        """Return the values in the order of `names`, None for a field that the kernel does not write.

        Raises ParseError as flat_keyed does.
        """
        if self._layout and (match := self._layout.fullmatch(data)):
            values = match.groups()
            return [int(values[place]) for place in self._places]
        return self._carefully(data, source)

    def _carefully(self, data: bytes, source: str) -> list[int | None]:
        fields = flat_keyed.parse(data, source)
        # Where a field is missing the learned places would not line up with `names`.
        if all(name in fields for name in self.names):
            self._learn(list(fields))
        return [fields.get(name) for name in self.names]

    def _learn(self, order: list[str]) -> None:
        wanted = [name for name in order if name in self.names]
        lines = [
            (_WANTED if name in self.names else _OTHER) % re.escape(name.encode("ascii")) for name in order
        ]
        self._layout = re.compile(b"".join(lines))
        self._places = [wanted.index(name) for name in self.names]
