import contextlib
import socket
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from memcollect_agent.serve.addresses import Address, listen
from memcollect_agent.serve.port import Bounds, Port
from worlds.waiting import PATIENCE

LARGE = b"x" * (8 << 20)
"""More than a socket's buffers take."""
ASK = b"GET / HTTP/1.1\r\n\r\n"


@contextlib.contextmanager
def port(
    answering: Callable[[bytes], Sequence[bytes]],
    *,
    connections: int = 4,
    seconds: float = PATIENCE,
    held_bytes: int = len(LARGE),
) -> Iterator[int]:
    listener = listen(Address("127.0.0.1", 0))
    number = int(listener.getsockname()[1])
    bounds = Bounds(connections=connections, request_bytes=1024, seconds=seconds, held_bytes=held_bytes)
    with Port(listener, answering, bounds, "test"):
        yield number


def connected(number: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", number), timeout=PATIENCE)


def rest(client: socket.socket) -> bytes:
    data = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while chunk := client.recv(1 << 16):
            data += chunk
    return bytes(data)


def test_an_answer_larger_than_the_buffers_arrives_whole() -> None:
    with port(lambda _: (b"head ", LARGE, b"", b" tail")) as number, connected(number) as client:
        client.sendall(ASK)
        assert rest(client) == b"head " + LARGE + b" tail"


def test_a_client_that_does_not_read_holds_nobody_up() -> None:
    with port(lambda _: (LARGE,)) as number, connected(number) as idle, connected(number) as client:
        idle.sendall(ASK)
        assert idle.recv(1) == b"x"
        client.sendall(ASK)
        assert rest(client) == LARGE
        assert rest(idle) == LARGE[1:]


def test_a_client_that_does_not_read_is_dropped_when_its_time_is_over() -> None:
    with port(lambda _: (LARGE,), seconds=0.3) as number, connected(number) as client:
        client.sendall(ASK)
        time.sleep(2.0)
        assert len(rest(client)) < len(LARGE)


def test_many_that_do_not_read_make_room_for_one_that_does() -> None:
    with port(lambda _: (LARGE,)) as number, contextlib.ExitStack() as stack:
        for _ in range(12):
            stack.enter_context(connected(number)).sendall(ASK)
        client = stack.enter_context(connected(number))
        client.sendall(ASK)
        assert rest(client) == LARGE


def test_different_answers_that_nobody_takes_are_held_only_up_to_a_limit() -> None:
    bodies = [bytes([letter]) * len(LARGE) for letter in b"abc"]
    asked = iter(bodies)
    with contextlib.ExitStack() as stack:
        number = stack.enter_context(port(lambda _: (next(asked),), held_bytes=2 * len(LARGE)))
        clients = [stack.enter_context(connected(number)) for _ in bodies]
        for client in clients:
            client.sendall(ASK)
            client.recv(1)
        taken = [len(rest(client)) + 1 for client in clients]
    assert taken[0] < len(LARGE)
    assert taken[1:] == [len(LARGE), len(LARGE)]


def test_one_answer_for_many_is_held_once() -> None:
    with port(lambda _: (LARGE,)) as number, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connected(number)) for _ in range(4)]
        for client in clients:
            client.sendall(ASK)
            client.recv(1)
        assert [len(rest(client)) + 1 for client in clients] == [len(LARGE)] * 4


def test_a_fault_in_one_answer_does_not_end_the_port(caplog: pytest.LogCaptureFixture) -> None:
    answers = {1: b"fine"}
    asked = iter((0, 1))
    with port(lambda _: (answers[next(asked)],)) as number:
        for expected in (b"", b"fine"):
            with connected(number) as client:
                client.sendall(ASK)
                assert rest(client) == expected
    assert "an answer failed: KeyError" in caplog.text


def test_a_client_that_goes_away_in_the_middle_harms_nobody() -> None:
    with port(lambda _: (LARGE,)) as number:
        with connected(number) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            client.sendall(ASK)
            client.recv(1)
        with connected(number) as client:
            client.sendall(ASK)
            assert rest(client) == LARGE
