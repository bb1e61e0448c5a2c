"""What sits between a client and a real agent: it passes all on, and does something in mid-answer."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

from worlds.waiting import PATIENCE

_PIECE_BYTES = 256
Passed = Callable[[int], bool]
"""Told how many bytes were passed on; returns whether to go on."""


@contextlib.contextmanager
def between(port: int, after_bytes: int, then: Callable[[], object], *, cut: bool = False) -> Iterator[int]:
    """Yield a port that leads to `port`; `then` is called once, when `after_bytes` of answers have passed.

    `cut`: what comes behind those bytes is lost, as what an agent that dies has not sent yet.
    """
    passed = 0
    lock = threading.Lock()

    def answered(size: int) -> bool:
        nonlocal passed
        with lock:
            before, passed = passed, passed + size
            due = before < after_bytes <= passed
        if due:
            then()
        return not (cut and due)

    server = socket.create_server(("127.0.0.1", 0), backlog=64)
    threads: list[threading.Thread] = []

    def accept() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=_serve, args=(client, port, answered)))
            threads[-1].start()

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield int(server.getsockname()[1])
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        acceptor.join(PATIENCE)
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()


def _serve(client: socket.socket, port: int, answered: Passed) -> None:
    with client, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as agent:
        asking = threading.Thread(target=_pass_on, args=(client, agent, lambda _size: True))
        asking.start()
        _pass_on(agent, client, answered)
        for each in (client, agent):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        asking.join(PATIENCE)


def _pass_on(source: socket.socket, to: socket.socket, passed: Passed) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(_PIECE_BYTES):
            to.sendall(data)
            if not passed(len(data)):
                return
        to.shutdown(socket.SHUT_WR)
