"""The stand-in on a port of the loopback: HTTP or HTTPS, one thread for each connection."""

import contextlib
import http.server
import socket
import socketserver
import ssl
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from memcollect.testing import kubeconfig, tls
from memcollect.testing.cluster import Cluster
from memcollect.testing.handler import Handler

_POLL_SECONDS = 0.02
_ANY_TOKEN = "any"  # noqa: S105 - it opens nothing


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Keeps hold of every connection, so that stopping ends the threads that wait on one."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 1024

    def __init__(self, cluster: Cluster, context: ssl.SSLContext | None) -> None:
        self.cluster = cluster
        self.context = context
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), Handler)

    def server_bind(self) -> None:
        # HTTPServer's own would look the address up in the DNS.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[0], self.server_address[1]  # type: ignore[assignment]

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = self.socket.accept()
        if self.context is not None:
            # The handshake itself is the thread's: a client that stalls must not stall the others.
            connection = self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        with contextlib.suppress(OSError):
            socket.socket.shutdown(request, socket.SHUT_WR)
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that leave in the middle: tests make them do so."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """Stop accepting, end every connection, and wait for their threads."""
        self.stopping.set()
        self.shutdown()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
        self.server_close()


class StandInCluster:
    """An API server for tests: `with StandInCluster(cluster) as server: server.url`.

    `state` is the Cluster that it serves (an empty one when none is given), which may change meanwhile.
    With `https` it has a certificate of its own making; kubectl sends bearer tokens over HTTPS alone.
    """

    def __init__(self, state: Cluster | None = None, *, https: bool = False) -> None:
        self.state = state if state is not None else Cluster()
        self._authority = tls.Authority() if https else None
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Listen on a free port of 127.0.0.1."""
        context = self._authority.server_context() if self._authority is not None else None
        self._server = _Server(self.state, context)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="stand-in API server", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """End every connection and wait until nothing of the server is left."""
        if self._server is not None and self._thread is not None:
            self._server.stop()
            self._thread.join()
            self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The TCP port it listens on. Raises RuntimeError before the start."""
        if self._server is None:
            raise RuntimeError("the stand-in API server is not running")
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its address, as a kubeconfig has it."""
        return f"{'https' if self._authority is not None else 'http'}://127.0.0.1:{self.port}"

    @property
    def authority(self) -> bytes | None:
        """The certificate, in PEM, that clients must trust; None over plain HTTP."""
        return self._authority.certificate if self._authority is not None else None

    def kubeconfig(self, path: str | Path, *, token: str | None = None, namespace: str = "default") -> Path:
        """Write a kubeconfig that leads here and return its path.

        Without `token` the first of the cluster's tokens is used. Where it has none, any token does over
        HTTPS, and one is written, for kubectl asks for a password when it has no credential.
        """
        token = token or next(iter(self.state.access.tokens), None)
        if token is None and self._authority is not None:
            token = _ANY_TOKEN
        return kubeconfig.write(
            Path(path), self.url, authority=self.authority, token=token, namespace=namespace
        )
