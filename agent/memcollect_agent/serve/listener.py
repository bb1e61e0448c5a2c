"""waitress, set up for a handful of clients, bounded memory and a read-only file system."""

import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

import waitress  # type: ignore[import-untyped]  # its stubs are a package of their own
from waitress import wasyncore

from memcollect_agent.serve.bodies import MAX_BODY_BYTES
from memcollect_agent.serve.deadlines import Deadlines
from memcollect_agent.serve.port import SEND_BUFFER_BYTES
from memcollect_agent.serve.service import MOST_WAITING
from memcollect_agent.serve.wsgi import Application

THREADS = MOST_WAITING + 2
"""Those that wait hold one each, and no work is done in parallel; two are left for what needs no waiting."""
MAX_CONNECTIONS = 32
OWN_PLACES = 3
"""Of these for the listener and its trigger, which waitress counts, too, and one to be free for who comes."""
IDLE_SECONDS = 60
NEVER_SPOOL_BYTES = 1 << 30
"""waitress would put larger bodies into temporary files, and the agent has nowhere to write."""
GRACE_SECONDS = 2.0
"""For requests under way when the service ends; a sampling may take much longer."""
MAX_UNREAD_BYTES = 4 << 20
"""Of answers that a client does not take; the thread that writes waits beyond it."""


class Listener:
    """An application served on a socket. `run()` returns after `stop()`, which any thread may call."""

    def __init__(
        self, application: Application, sock: socket.socket, in_the_way: Callable[[], bool] = lambda: False
    ) -> None:
        """`in_the_way` tells whether an answer waits until others were taken."""
        # Its notes on a busy queue are no fault; what is refused is logged by the application.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._map: dict[int, Any] = {}
        self._lock = threading.Lock()
        self._stopping = False
        self._ended = False
        # Accepted sockets inherit it (net/core/sock.c, sk_clone).
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._deadlines = Deadlines(MAX_CONNECTIONS - OWN_PLACES, in_the_way)
        self._server = waitress.create_server(
            application,
            map=self._map,
            sockets=[sock],
            threads=THREADS,
            connection_limit=MAX_CONNECTIONS,
            channel_timeout=IDLE_SECONDS,
            cleanup_interval=10,
            # A body a little too large is answered by the application, in the words of the others.
            max_request_body_size=MAX_BODY_BYTES + (64 << 10),
            max_request_header_size=16 << 10,
            inbuf_overflow=NEVER_SPOOL_BYTES,
            outbuf_overflow=NEVER_SPOOL_BYTES,
            outbuf_high_watermark=MAX_UNREAD_BYTES,
            ident=None,
        )

    @property
    def port(self) -> int:
        """Where it listens, the kernel's choice included."""
        return int(self._server.effective_port)

    def run(self) -> None:
        """Serve until stopped, or until SystemExit or KeyboardInterrupt is raised in this thread."""
        try:
            while not self._stopping:
                wasyncore.loop(timeout=1.0, use_poll=True, map=self._map, count=1)
                self._deadlines.enforce(self._server.active_channels)
        except (SystemExit, KeyboardInterrupt):
            return
        finally:
            self._end()

    def stop(self) -> None:
        """Let run() return; a request under way gets GRACE_SECONDS to end."""
        with self._lock:
            if not self._ended:
                self._stopping = True
                self._server.pull_trigger()

    def _end(self) -> None:
        dispatcher = self._server.task_dispatcher
        dispatcher.shutdown(timeout=GRACE_SECONDS)
        with self._lock:
            self._ended = True
            if dispatcher.threads:
                # One that works on will write to the trigger when it is done: its descriptor must not
                # be somebody else's by then.
                self._map = {fd: each for fd, each in self._map.items() if each is not self._server.trigger}
            wasyncore.close_all(self._map, ignore_all=True)
