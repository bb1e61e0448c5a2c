"""What a client asked for: one entry for each request, in the order they were answered."""

import dataclasses
import threading
from collections.abc import Iterator, Mapping, Sequence


@dataclasses.dataclass(slots=True)
class LoggedRequest:
    """One request.

    `path` is without the query, which is in `query`. `status` is the HTTP code answered, 0 when the
    connection was dropped or left hanging. `bytes_sent` counts the body; in a port-forward, what came
    from the pod, and `bytes_received` what went to it; both grow while it lasts.
    """

    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    user_agent: str = ""
    accept: str = ""
    status: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0


class RequestLog:
    """The log; safe to read while requests are served. An entry is there before its answer arrives."""

    def __init__(self) -> None:
        self._entries: list[LoggedRequest] = []
        self._lock = threading.Lock()

    def add(self, entry: LoggedRequest) -> None:
        """Append an entry."""
        with self._lock:
            self._entries.append(entry)

    def clear(self) -> None:
        """Forget what was asked so far."""
        with self._lock:
            self._entries.clear()

    def __iter__(self) -> Iterator[LoggedRequest]:
        with self._lock:
            return iter(tuple(self._entries))

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)

    def paths(self) -> list[str]:
        """Return the paths asked for, in order, with repetitions."""
        return [entry.path for entry in self]
