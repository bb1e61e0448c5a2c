import contextlib
import socket
from collections.abc import Callable, Iterator

import pytest

from memcollect_agent.serve import health
from memcollect_agent.serve.addresses import Address, listen
from memcollect_agent.serve.health import HealthPort
from worlds.waiting import PATIENCE

PROBE = b"GET /healthz HTTP/1.1\r\nHost: 10.0.0.1:7071\r\nUser-Agent: kube-probe/1.36\r\n\r\n"


@contextlib.contextmanager
def port(healthy: Callable[[], bool] = lambda: True) -> Iterator[int]:
    listener = listen(Address("127.0.0.1", 0))
    number = int(listener.getsockname()[1])
    with HealthPort(listener, healthy):
        yield number


def connected(number: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", number), timeout=PATIENCE)


def answer(client: socket.socket) -> bytes:
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := client.recv(4096):
            data += chunk
    return data


def said(number: int, request: bytes) -> bytes:
    with connected(number) as client:
        client.sendall(request)
        return answer(client)


def test_the_kubelets_probe_gets_ok() -> None:
    with port() as number:
        whole = said(number, PROBE)
    assert whole.startswith(b"HTTP/1.1 200 OK\r\n")
    assert whole.endswith(b"\r\n\r\nok\n")


def test_a_sick_agent_is_unavailable() -> None:
    with port(lambda: False) as number:
        assert said(number, PROBE).startswith(b"HTTP/1.1 503 ")


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST /healthz HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        b"GET /healthz?verbose HTTP/1.1\r\n\r\n",
        b"POST /v1/sample HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        b"GET /v1/history HTTP/1.1\r\n\r\n",
        b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\r\n\r\n",
        b"x" * health.MAX_REQUEST_BYTES,
    ],
)
def test_nothing_else_is_answered(request_: bytes) -> None:
    with port() as number:
        whole = said(number, request_)
    assert whole == health._NOTHING


def test_no_answer_tells_who_answers() -> None:
    with port() as number:
        whole = said(number, PROBE).lower()
    assert b"server" not in whole
    assert b"memcollect" not in whole
    assert b"date" not in whole


def test_a_request_may_come_in_pieces() -> None:
    with port() as number, connected(number) as client:
        for piece in (PROBE[:5], PROBE[5:40], PROBE[40:]):
            client.sendall(piece)
        assert answer(client).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_client_that_sends_nothing_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "SECONDS", 0.0)
    with port() as number, connected(number) as client:
        assert answer(client) == b""


def test_strangers_that_hold_connections_do_not_keep_the_probe_out() -> None:
    with port() as number, contextlib.ExitStack() as strangers:
        held = [strangers.enter_context(connected(number)) for _ in range(health.MAX_CONNECTIONS + 20)]
        assert said(number, PROBE).startswith(b"HTTP/1.1 200 OK\r\n")
        assert answer(held[0]) == b""


def test_leaving_ends_the_thread_and_frees_the_port() -> None:
    with port() as number, connected(number):
        pass
    with listen(Address("127.0.0.1", number)):
        pass
