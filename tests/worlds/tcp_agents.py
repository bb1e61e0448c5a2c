"""Agents on real sockets, good and bad, for the tests of what talks to them."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import msgspec

from memcollect_agent.wire import SCHEMA_VERSION, Node, NodeSample, SampleRequest

Behaviour = Callable[[socket.socket, bytes], None]
"""What an agent does with a connection once the request (its body is the second argument) has come."""


def http_answer(
    body: bytes,
    status: str = "200 OK",
    kind: str = "application/msgpack",
    schema: str | None = str(SCHEMA_VERSION),
    retry_after: str | None = None,
) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    if retry_after is not None:
        head.append(f"Retry-After: {retry_after}")
    if schema is not None:
        head.append(f"Memcollect-Schema: {schema}")
    return "\r\n".join([*head, "", ""]).encode() + body


def sample(node: str, uids: list[str] | None = None) -> NodeSample:
    return NodeSample(
        sampled_at=1.0, finished_at=2.0, agent_version=",".join(uids or []), node=Node(name=node)
    )


def answering(node: str) -> Behaviour:
    """Answer as an agent does; `agent_version` echoes the pod UIDs that were asked for."""

    def answer(connection: socket.socket, body: bytes) -> None:
        request = msgspec.msgpack.decode(body, type=SampleRequest)
        connection.sendall(http_answer(msgspec.msgpack.encode(sample(node, request.pod_uids))))

    return answer


def saying(data: bytes) -> Behaviour:
    return lambda connection, _body: connection.sendall(data)


def busy(then: Behaviour, *, times: int, retry_after: str | None = "0") -> Behaviour:
    """Refuse so many requests as an agent does that has too much to do, and answer the next ones."""
    left = iter(range(times))
    refusal = http_answer(
        b"The agent is busy.", "503 Service Unavailable", "text/plain", retry_after=retry_after
    )

    def answer(connection: socket.socket, body: bytes) -> None:
        if next(left, None) is None:
            then(connection, body)
        else:
            connection.sendall(refusal)

    return answer


def hanging(connection: socket.socket, _body: bytes) -> None:
    connection.recv(1)


def trickling(data: bytes, seconds_per_byte: float) -> Behaviour:
    def answer(connection: socket.socket, _body: bytes) -> None:
        pause = threading.Event()
        for byte in data:
            connection.sendall(bytes([byte]))
            pause.wait(seconds_per_byte)

    return answer


@contextlib.contextmanager
def listening(behaviour: Behaviour) -> Iterator[int]:
    """Serve `behaviour` on a port of the loopback, one thread for each connection."""
    server = socket.create_server(("127.0.0.1", 0), backlog=256)
    connections: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            connections.append(connection)
            thread = threading.Thread(target=_serve, args=(connection, behaviour))
            threads.append(thread)
            thread.start()

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield int(server.getsockname()[1])
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        acceptor.join()
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()


def refusing_port() -> int:
    """Return a port of the loopback on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _serve(connection: socket.socket, behaviour: Behaviour) -> None:
    with connection, contextlib.suppress(OSError):
        body = _request_body(connection)
        if body is not None:
            behaviour(connection, body)


def _request_body(connection: socket.socket) -> bytes | None:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return None
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    lines = [line.split(b":", 1) for line in head.split(b"\r\n")[1:]]
    length = next((int(value) for name, value in lines if name.lower() == b"content-length"), 0)
    while len(body) < length:
        chunk = connection.recv(65536)
        if not chunk:  # whoever asked was ended in the middle of its question
            return None
        body += chunk
    return body
