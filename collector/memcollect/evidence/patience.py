"""What takes time to go: how long it is waited for, and when each part of it was gone. Pure."""

from __future__ import annotations

from collections.abc import Mapping

PATIENCE_SECONDS = 60.0
"""A kubelet may remove a pod's cgroup after the API has the pod no more. Of pods that were deleted without
grace on a slow processor, 1.36.2 did 0.9 to 4.0 s later one by one, and up to 30.7 s later of 20 at once."""
GOING = frozenset({"pods_ending", "claims_ending"})
"""Facts that count what is on its way out, whether it must go or not."""
GONE = frozenset({"pods", "services", "cgroups", "processes", "marked"}) | GOING
"""Facts that are 0 once nothing is left."""


class Waiting:
    """What is still there, from look to look."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self.there: dict[str, int] = {}
        """By fact, how many when it was last known: what is not told any more is not gone."""
        self._gone: dict[str, float] = {}

    def note(self, values: Mapping[str, bool | int | str | list[str]], at: float) -> None:
        """Take a look that was over so many seconds after the first was begun."""
        for name in self._names:
            count = values.get(name)
            if not isinstance(count, int):
                self._gone.pop(name, None)
            elif count:
                self.there[name] = count
                self._gone.pop(name, None)
            else:
                self.there.pop(name, None)
                self._gone.setdefault(name, at)

    def waited(self, at: float) -> dict[str, float]:
        """Return by fact how long it was there at most, of what is there still how long it was looked for."""
        return {**self._gone, **dict.fromkeys(self.there, at)}
