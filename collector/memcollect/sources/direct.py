"""A plain TCP connection to an agent: for tests, benchmarks and agents that listen on a network."""

import socket
from collections.abc import Callable

from memcollect.sources.deadline import Deadline
from memcollect.sources.plain import plain
from memcollect.sources.transport import Endpoint, SocketStream, TransportError

Locate = Callable[[Endpoint], tuple[str, int]]
"""Where an endpoint can be reached: host and port."""


class DirectTransport:
    """Connects to where `locate` says an endpoint is."""

    def __init__(self, locate: Locate) -> None:
        self._locate = locate

    def connect(self, endpoint: Endpoint, deadline: Deadline) -> SocketStream:
        """Return a stream to the endpoint. Raises TransportError, TimeoutError."""
        address = self._locate(endpoint)
        try:
            return SocketStream(socket.create_connection(address, timeout=deadline.left()), deadline)
        except ConnectionRefusedError as error:
            raise TransportError("agent-refused", f"Nothing listens on {endpoint}.") from error
        except TimeoutError:
            raise
        except OSError as error:
            problem = plain(error.strerror or str(error))
            raise TransportError("agent-unreachable", f"No way to {endpoint}: {problem}.") from error

    def close(self) -> None:
        """Nothing is held between two streams."""
