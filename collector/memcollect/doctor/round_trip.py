"""When a question left and its answer came: a transport that looks at the clock on the way."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

from memcollect.sources.deadline import Deadline
from memcollect.sources.transport import Endpoint, Stream, Transport, TransportError, TransportFactory


class RoundTrips:
    """Notes for each node when the first byte was sent, and when the answer was complete."""

    def __init__(self, transports: TransportFactory, clock: Callable[[], float] = time.time) -> None:
        self._transports = transports
        self._clock = clock
        self.sent_at: dict[str, float] = {}
        self.received_at: dict[str, float] = {}

    def __call__(self) -> Transport:
        """Make a worker its transport."""
        return _TimedTransport(self._transports(), self)

    def sent(self, node: str) -> None:
        """Note that a question leaves now, unless one has before: the earliest bounds them all."""
        if node not in self.sent_at:
            self.sent_at[node] = self._clock()

    def received(self, node: str) -> None:
        """Note that all has come."""
        self.received_at[node] = self._clock()


class _TimedTransport:
    def __init__(self, transport: Transport, trips: RoundTrips) -> None:
        self._transport = transport
        self._trips = trips

    def connect(self, endpoint: Endpoint, deadline: Deadline) -> _TimedStream:
        return _TimedStream(self._transport.connect(endpoint, deadline), endpoint.node, self._trips)

    def close(self) -> None:
        self._transport.close()


class _TimedStream:
    def __init__(self, stream: Stream, node: str, trips: RoundTrips) -> None:
        self._stream = stream
        self._node = node
        self._trips = trips

    def sendall(self, data: bytes) -> None:
        self._trips.sent(self._node)
        self._stream.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return self._stream.makefile(mode)

    def fault(self) -> TransportError | None:
        return self._stream.fault()

    def close(self, **how: Any) -> None:
        # Whoever asked closes as soon as the answer is read to its end.
        self._trips.received(self._node)
        self._stream.close(**how)
