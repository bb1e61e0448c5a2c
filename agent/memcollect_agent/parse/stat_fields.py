"""memory.stat again, but only some of its fields, and fast.

The history reads the file of every cgroup of the node every two seconds, and needs a dozen of its
sixty lines. A kernel writes the same lines in the same order each time, so the order is learned once
by the careful parser, and after that only compared.
"""

from memcollect_agent.parse import flat_keyed


class StatFields:
    """Picks the fields `names` out of texts of the form `name number`, each line ended."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self._keys: list[bytes] = []
        self._places: list[int] = []

    def parse(self, data: bytes, source: str) -> list[int | None]:
        """Return the values in the order of `names`, None for a field that the kernel does not write.

        Raises ParseError as flat_keyed does.
        """
        tokens = data.split()
        values = tokens[1::2]
        if (
            self._places
            and tokens[::2] == self._keys
            and data.count(b"\n") == data.count(b" ") == len(values)
            and data.endswith(b"\n")
            and b"".join(values).isdigit()
            and len(max(values, key=len)) < 20
        ):
            return [int(values[place]) for place in self._places]
        return self._carefully(data, source)

    def _carefully(self, data: bytes, source: str) -> list[int | None]:
        fields = flat_keyed.parse(data, source)
        order = list(fields)
        # Where a field is missing the learned places would not line up with `names`.
        if all(name in fields for name in self.names):
            self._keys = [key.encode("ascii") for key in order]
            self._places = [order.index(name) for name in self.names]
        return [fields.get(name) for name in self.names]
