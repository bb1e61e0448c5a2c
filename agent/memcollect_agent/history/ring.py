"""A ring of points of one cgroup, packed: no Python object is kept for a number."""

import struct
from collections.abc import Sequence

_UNKNOWN = -1
"""Stands for None: the kernel writes no negative number in the files that are read here."""
_MOST = (1 << 63) - 1
_TIME = struct.Struct("=d")
"""What a point begins with."""

Row = tuple[float, tuple[int | None, ...]]
"""A point: its time, and its numbers in the order in which they were appended."""


class Ring:
    """The last `depth` points, each a time and `width` numbers, in one block of memory made at once."""

    __slots__ = ("_count", "_data", "_depth", "_next", "_row")

    def __init__(self, depth: int, width: int) -> None:
        self._row = struct.Struct(f"=d{width}q")
        self._data = bytearray(depth * self._row.size)
        self._depth = depth
        self._next = 0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def size_bytes(self) -> int:
        """What the points take, filled or not."""
        return len(self._data)

    def append(self, time: float, numbers: Sequence[int | None]) -> None:
        """Add a point; when the ring is full the oldest goes. A number beyond 63 bits becomes None."""
        offset = self._next * self._row.size
        try:
            self._row.pack_into(self._data, offset, time, *numbers)
        except struct.error:
            packable = [n if n is not None and n <= _MOST else _UNKNOWN for n in numbers]
            self._row.pack_into(self._data, offset, time, *packable)
        self._next = (self._next + 1) % self._depth
        if self._count < self._depth:
            self._count += 1

    def rows(self, since: float | None = None) -> list[Row]:
        """Return the points, oldest first; with `since` only from the last one before it on.

        So a moment right after `since` still lies between two points.
        """
        first = 0 if since is None else max(self._first(since) - 1, 0)
        return [self._at(place) for place in range(first, self._count)]

    def last(self, most: int, *, skip: int = 0) -> list[Row]:
        """Return the last `most` points before the newest `skip`, oldest first."""
        end = max(self._count - skip, 0)
        return [self._at(place) for place in range(max(end - most, 0), end)]

    def _first(self, since: float) -> int:
        """Return the place of the first point of that time or later; a viewer asks for few of them."""
        return next((place for place in range(self._count) if self._time(place) >= since), self._count)

    def _time(self, place: int) -> float:
        time: float = _TIME.unpack_from(self._data, self._offset(place))[0]
        return time

    def _offset(self, place: int) -> int:
        """Return where the point is that is the `place`th of those that are kept."""
        return (self._next - self._count + place) % self._depth * self._row.size

    def _at(self, place: int) -> Row:
        time, *numbers = self._row.unpack_from(self._data, self._offset(place))
        return time, tuple(None if number == _UNKNOWN else number for number in numbers)
