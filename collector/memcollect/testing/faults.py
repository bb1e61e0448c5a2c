"""A script of things that go wrong, each on the paths and for as many requests as it says."""

import dataclasses
import enum
import re
import threading


class StreamFault(enum.Enum):
    """What goes wrong in a port-forward that was accepted."""

    REFUSE = "refuse"  # nothing listens on the port: an error message, then the end
    HANG = "hang"  # the handshake succeeds and nothing follows, not even the port numbers
    CLOSE = "close"  # the stream is closed properly, without an error message
    CUT = "cut"  # the connection ends without a closing frame, as when a node dies
    ERROR = "error"  # an error message on the error channel, then the end


@dataclasses.dataclass(slots=True)
class Fault:
    """One thing that goes wrong.

    `path` is a regular expression that must match from the request path's start; `method` limits it to
    one. `skip` is how many such requests pass unharmed first, `times` how many it spoils then, None for
    all. Of the rest, set what should happen: `status` answers with that HTTP code (and
    `retry_after_seconds`); `body` answers 200 with these bytes; `delay_seconds` waits first; `hang` never
    answers; `drop` closes without an answer; `truncate_after_bytes` sends the right length and only so
    much of the body; `bytes_per_second` slows the body down; `expire_lists` forgets what continue tokens
    refer to. `stream` concerns a port-forward, after `stream_after_bytes` from the pod.
    """

    path: str
    method: str | None = None
    skip: int = 0
    times: int | None = 1
    status: int | None = None
    retry_after_seconds: int | None = None
    body: bytes | None = None
    delay_seconds: float = 0.0
    hang: bool = False
    drop: bool = False
    truncate_after_bytes: int | None = None
    bytes_per_second: int | None = None
    expire_lists: bool = False
    stream: StreamFault | None = None
    stream_after_bytes: int = 0

    @property
    def scripts_the_answer(self) -> bool:
        """Whether it answers in the server's place."""
        return self.status is not None or self.body is not None


class FaultScript:
    """The faults that are still to come, in order; safe to use from several threads."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, *faults: Fault) -> None:
        """Append `faults`: the first that matches a request and is not used up happens to it."""
        with self._lock:
            self._faults.extend(faults)

    def clear(self) -> None:
        """Forget them all: from now on everything works."""
        with self._lock:
            self._faults.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault that happens to this request, and count it as used once."""
        with self._lock:
            for fault in self._faults:
                if fault.times == 0 or (fault.method or method) != method:
                    continue
                if not re.match(fault.path, path):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None
