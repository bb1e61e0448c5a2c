"""How bytes get to an agent and back. Another way is another class with `connect` and `close`.

A transport belongs to one worker and is used by no other. `connect` gives a stream to a port of a pod,
within a deadline; everything that is said over it is HTTP (agent_http) and none of the transport's
business. Whatever goes wrong on the way is a TransportError, whose `reason` is a word for `missing`.
"""

import io
from collections.abc import Callable
from typing import Any, Literal, Protocol

from msgspec import Struct

from memcollect.sources.deadline import Deadline, DeadlineReader
from memcollect.sources.rights import AGENT_NAMESPACE

TransportReason = Literal["agent-unreachable", "agent-refused", "kubelet-down", "denied", "timeout", "limit"]


class Endpoint(Struct, frozen=True, kw_only=True):
    """A port on the loopback of a pod."""

    pod: str
    port: int
    namespace: str = AGENT_NAMESPACE
    node: str = ""

    def __str__(self) -> str:
        return f"port {self.port} of pod {self.namespace}/{self.pod}"


class TransportError(Exception):
    """No stream, or one that broke: a sentence, and a word for machines."""

    def __init__(self, reason: TransportReason, sentence: str) -> None:
        super().__init__(sentence)
        self.reason: TransportReason = reason


class Stream(Protocol):
    """A connection to an agent. A read that ends early is explained by `fault`, where it can be."""

    def sendall(self, data: bytes) -> None:
        """Send all of `data`. Raises OSError, TimeoutError."""

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return a reader of what comes; `mode` is "rb". Its reads raise OSError, TimeoutError."""

    def fault(self) -> TransportError | None:
        """Return why the other end broke off, as the transport knows it."""

    def close(self, *, broken: bool = False) -> None:
        """End it; `broken` where the answer was not read to its end."""


class Transport(Protocol):
    """One worker's way to the agents."""

    def connect(self, endpoint: Endpoint, deadline: Deadline) -> Stream:
        """Return a stream to `endpoint`. Raises TransportError, TimeoutError."""

    def close(self) -> None:
        """Free what is still held."""


TransportFactory = Callable[[], Transport]
"""Makes a worker's own transport: each worker of a fetch calls it once."""


class SocketStream:
    """A stream over a socket, all of whose operations together end by one deadline."""

    def __init__(self, sock: Any, deadline: Deadline) -> None:
        self._socket = sock
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        """Send all of `data` before the deadline: a TLS socket begins it anew at each part."""
        rest = memoryview(data)
        while rest:
            self._socket.settimeout(self._deadline.left())
            rest = rest[self._socket.send(rest) :]

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002 # http.client asks for "rb" alone
        """Return a reader whose every read waits only for what is left of the deadline."""
        return io.BufferedReader(DeadlineReader(self._socket, self._deadline), 1 << 16)

    def fault(self) -> TransportError | None:
        """Return None: a socket tells all it knows by its errors."""
        return None

    def close(self, *, broken: bool = False) -> None:  # noqa: ARG002 # a socket ends one way only
        """Close the socket."""
        self._socket.close()
