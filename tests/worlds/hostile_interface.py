"""An interface of sandboxes that misbehaves in one way: for drivers, and for the gateway's client."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

_READ_BYTES = 1 << 16
_PAGE = b"<!doctype html><html><h1>502 Bad Gateway</h1><hr>nginx</html>"


def _answer(status: str, kind: str, body: bytes, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


ANSWERS = {
    "html": _answer("200 OK", "text/html", _PAGE),
    "html-of-a-proxy": _answer("502 Bad Gateway", "text/html", _PAGE),
    "half-of-json": _answer("200 OK", "application/json", b'{"success": tr'),
    "json-of-another-kind": _answer("200 OK", "application/json", b'{"success": true, "data": [1, [2]]}'),
    "deep-json": _answer("200 OK", "application/json", b'{"success": true, "data": ' + b"[" * 100_000),
    "not-http": b"\x00\xff garbage \x1b[31m\r\n\r\n",
    "shorter-than-it-says": _answer("200 OK", "application/json", b'{"success": true', length=5000),
    "out-of-capacity": _answer(
        "429 Too Many Requests", "application/json", b'{"detail": "no room, \x1b[2J"}'
    ),
    "elsewhere": b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n",
    "nothing": b"",
}
"""What it answers a whole request with, and then hangs up."""
WAYS = (*ANSWERS, "hangs", "drips", "drops-uploads", "refuses")


@dataclass
class Hostile:
    """`url` leads to it; `connections` is how many came."""

    url: str
    connections: int = 0
    ended: threading.Event = field(default_factory=threading.Event)


@contextlib.contextmanager
def hostile(way: str) -> Iterator[Hostile]:
    """Serve one on the loopback."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            told.connections += 1
            connection = cast("socket.socket", self.request)
            with contextlib.suppress(OSError):
                _serve(connection, way, told.ended)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 64

    with Server(("127.0.0.1", 0), Handler) as server:
        told = Hostile(f"http://127.0.0.1:{server.server_address[1]}")
        if way == "refuses":
            server.server_close()
            yield told
            return
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield told
        finally:
            told.ended.set()
            server.shutdown()
            thread.join()


def _serve(connection: socket.socket, way: str, ended: threading.Event) -> None:
    if way == "drops-uploads":
        connection.recv(100)
        # With what is unread the kernel sends a reset: the connection breaks under the upload.
        return
    _whole_request(connection)
    if way == "hangs":
        ended.wait()
    elif way == "drips":
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not ended.wait(0.2):
            connection.sendall(b" ")
    else:
        connection.sendall(ANSWERS[way])


def _whole_request(connection: socket.socket) -> None:
    found = b""
    while b"\r\n\r\n" not in found:
        piece = connection.recv(_READ_BYTES)
        if not piece:
            return
        found += piece
    head, _, body = found.partition(b"\r\n\r\n")
    lengths = [
        line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    ]
    left = int(lengths[0]) - len(body) if lengths else 0
    while left > 0 and (piece := connection.recv(_READ_BYTES)):
        left -= len(piece)
