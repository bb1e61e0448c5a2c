"""GET /healthz for the kubelet, answered with one word and to everything else with nothing."""

import socket
from collections.abc import Callable

from memcollect_agent.serve.port import Bounds, Port

MAX_CONNECTIONS = 64
MAX_REQUEST_BYTES = 2048
"""A kubelet's probe has about 150."""
SECONDS = 3.0

_REQUEST_LINES = (b"GET /healthz HTTP/1.1", b"GET /healthz HTTP/1.0")
_HEAD = b"HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
_OK = _HEAD % (b"200 OK", 3, b"ok\n")
_ILL = _HEAD % (b"503 Service Unavailable", 9, b"degraded\n")
_NOTHING = _HEAD % (b"404 Not Found", 0, b"")


class HealthPort(Port):
    """Answers the probe; `healthy` is asked each time."""

    def __init__(self, listener: socket.socket, healthy: Callable[[], bool] = lambda: True) -> None:
        bounds = Bounds(connections=MAX_CONNECTIONS, request_bytes=MAX_REQUEST_BYTES, seconds=SECONDS)
        super().__init__(listener, self._answer, bounds, "health")
        self._healthy = healthy

    def _answer(self, request: bytes) -> tuple[bytes]:
        if request.partition(b"\r\n")[0] not in _REQUEST_LINES:
            return (_NOTHING,)
        return (_OK if self._healthy() else _ILL,)
