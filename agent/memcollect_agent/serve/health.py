"""The one thing that the pod network sees: GET /healthz, answered with three bytes.

It is a selector loop of its own rather than a web server, so that the kubelet's probe is answered even
while strangers hold connections open: they are few, short-lived, and the oldest makes room.
"""

import selectors
import socket
import threading
import time
from collections.abc import Callable
from typing import Self

MAX_CONNECTIONS = 64
MAX_REQUEST_BYTES = 2048
"""A kubelet's probe has about 150."""
SECONDS = 3.0
"""A connection's whole life."""

_REQUEST_LINES = (b"GET /healthz HTTP/1.1", b"GET /healthz HTTP/1.0")
_HEAD = b"HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
_OK = _HEAD % (b"200 OK", 3, b"ok\n")
_ILL = _HEAD % (b"503 Service Unavailable", 0, b"")
_NOTHING = _HEAD % (b"404 Not Found", 0, b"")


class _Connection:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.until = time.monotonic() + SECONDS
        self.data = b""


class HealthPort:
    """Answers on an address in a thread of its own; a context manager. `healthy` is asked each time."""

    def __init__(self, listener: socket.socket, healthy: Callable[[], bool] = lambda: True) -> None:
        self._listener = listener
        self._listener.setblocking(False)
        self._healthy = healthy
        self._connections: dict[socket.socket, _Connection] = {}
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="memcollect health", daemon=True)

    def __enter__(self) -> Self:
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._wake.close()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        try:
            while self._turn():
                pass
        finally:
            for sock in list(self._connections):
                self._end(sock)
            self._selector.close()
            self._listener.close()
            self._woken.close()

    def _turn(self) -> bool:
        """Handle what has come; return False when it is time to stop."""
        for key, _ in self._selector.select(timeout=1.0):
            if key.fileobj is self._woken:
                return False
            if key.fileobj is self._listener:
                self._accept()
            elif isinstance(key.fileobj, socket.socket) and key.fileobj in self._connections:
                self._read(self._connections[key.fileobj])
        now = time.monotonic()
        for sock in [sock for sock, connection in self._connections.items() if connection.until < now]:
            self._end(sock)
        return True

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return
        if len(self._connections) >= MAX_CONNECTIONS:
            self._end(next(iter(self._connections)))
        sock.setblocking(False)
        self._connections[sock] = _Connection(sock)
        self._selector.register(sock, selectors.EVENT_READ)

    def _read(self, connection: _Connection) -> None:
        try:
            data = connection.sock.recv(MAX_REQUEST_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        connection.data += data
        if b"\r\n\r\n" in connection.data or len(connection.data) >= MAX_REQUEST_BYTES:
            self._send(connection)
        elif data:
            return
        self._end(connection.sock)

    def _send(self, connection: _Connection) -> None:
        line = connection.data.partition(b"\r\n")[0]
        answer = (_OK if self._healthy() else _ILL) if line in _REQUEST_LINES else _NOTHING
        try:
            # Shorter than any socket's send buffer, so one call takes it whole.
            connection.sock.send(answer)
            connection.sock.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def _end(self, sock: socket.socket) -> None:
        del self._connections[sock]
        self._selector.unregister(sock)
        sock.close()
