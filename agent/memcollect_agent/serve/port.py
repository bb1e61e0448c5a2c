"""A port on the pod network: one short question, one answer, and the connection ends.

It is a selector loop of its own rather than a web server, so that the one who should ask is answered
even while strangers hold connections open: they are few, short-lived, and the oldest makes room. A
client that reads slowly costs a reference to an answer that others get too, until its time is over.
"""

import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Self

from msgspec import Struct

from memcollect_agent.redact import visible

_log = logging.getLogger(__name__)

END_OF_HEAD = b"\r\n\r\n"
SEND_BUFFER_BYTES = 128 << 10
"""What the kernel holds for a client that does not read is charged to the agent, and may be megabytes."""

Answering = Callable[[bytes], Sequence[bytes]]
"""From a request's bytes (its whole head, or as much as is allowed) to the answer's, in pieces."""


class Bounds(Struct, frozen=True, kw_only=True):
    """What strangers may take."""

    connections: int
    request_bytes: int
    seconds: float
    """A connection's whole life."""
    held_bytes: int = 1 << 20
    """Of different answers that clients have yet to take; beyond it the oldest such client makes room."""


class _Connection:
    def __init__(self, sock: socket.socket, until: float) -> None:
        self.sock = sock
        self.until = until
        self.data = b""
        self.unsent: list[memoryview] = []


class Port:
    """Answers on `listener` in a thread of its own; a context manager. It closes the listener."""

    def __init__(self, listener: socket.socket, answering: Answering, bounds: Bounds, name: str) -> None:
        self._listener = listener
        self._listener.setblocking(False)
        self._answering = answering
        self._bounds = bounds
        self._connections: dict[socket.socket, _Connection] = {}
        self._selector = selectors.DefaultSelector()
        self._turned_at = time.monotonic()
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name=f"memcollect {name}", daemon=True)

    def __enter__(self) -> Self:
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._wake.close()
        self._thread.join(timeout=1.0)

    @property
    def thread_id(self) -> int | None:
        """The thread's number, as sys._current_frames() has it."""
        return self._thread.ident

    @property
    def answering_seconds(self) -> float:
        """For how long the port has looked at no connection: it does each second, unless it answers one."""
        return time.monotonic() - self._turned_at if self._thread.is_alive() else 0.0

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
        self._turned_at = time.monotonic()
        for key, _ in self._selector.select(timeout=1.0):
            if key.fileobj is self._woken:
                return False
            if key.fileobj is self._listener:
                self._accept()
            elif isinstance(key.fileobj, socket.socket) and key.fileobj in self._connections:
                self._serve(self._connections[key.fileobj])
        now = time.monotonic()
        for sock in [sock for sock, connection in self._connections.items() if connection.until < now]:
            self._end(sock)
        return True

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return
        if len(self._connections) >= self._bounds.connections:
            self._end(next(iter(self._connections)))
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._connections[sock] = _Connection(sock, time.monotonic() + self._bounds.seconds)
        self._selector.register(sock, selectors.EVENT_READ)

    def _serve(self, connection: _Connection) -> None:
        try:
            going_on = self._send(connection) if connection.unsent else self._read(connection)
        except BlockingIOError:
            return
        except OSError:
            going_on = False
        except Exception as error:  # noqa: BLE001 - a fault of ours in one answer must not end all later ones
            _log.warning("an answer failed: %s", visible(repr(error))[:300])
            going_on = False
        if not going_on:
            self._end(connection.sock)

    def _read(self, connection: _Connection) -> bool:
        """Take what was sent; return whether the connection is still wanted."""
        data = connection.sock.recv(self._bounds.request_bytes)
        connection.data += data
        if END_OF_HEAD not in connection.data and len(connection.data) < self._bounds.request_bytes:
            return bool(data)
        pieces = self._answering(connection.data)
        connection.unsent = [memoryview(piece) for piece in pieces if piece]
        self._selector.modify(connection.sock, selectors.EVENT_WRITE)
        self._make_room(connection)
        return self._send(connection)

    def _send(self, connection: _Connection) -> bool:
        """Send as much as the client takes now; return whether something is left."""
        while connection.unsent:
            sent = connection.sock.send(connection.unsent[0])
            connection.unsent[0] = connection.unsent[0][sent:]
            if not connection.unsent[0]:
                del connection.unsent[0]
        connection.sock.shutdown(socket.SHUT_WR)
        return False

    def _make_room(self, newest: _Connection) -> None:
        sending = [each for each in self._connections.values() if each.unsent and each is not newest]
        while sending and _held(newest, *sending) > self._bounds.held_bytes:
            self._end(sending.pop(0).sock)

    def _end(self, sock: socket.socket) -> None:
        del self._connections[sock]
        self._selector.unregister(sock)
        sock.close()


def _held(*connections: _Connection) -> int:
    """Return the bytes of all answers that are held for clients, each answer once."""
    views = [view for connection in connections for view in connection.unsent]
    return sum({id(view.obj): len(view.obj) for view in views if isinstance(view.obj, bytes)}.values())
