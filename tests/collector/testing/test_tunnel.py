"""SPDY through a WebSocket, frame by frame."""

from collections.abc import Iterator
from typing import Any

import pytest
import websocket

from memcollect.testing import Cluster, Fault, StandInCluster, StreamFault, spdy, tunnel

PATH = "/api/v1/namespaces/team/pods/a/portforward"


class Spdy:
    """A client's side of a tunnel; its subprotocol has a slash, which not every library sends."""

    def __init__(self, server: StandInCluster) -> None:
        url = f"ws://127.0.0.1:{server.port}{PATH}"
        self.connection: Any = websocket.create_connection(url, timeout=60, subprotocols=[tunnel.PROTOCOL])
        self.encoder = spdy.Encoder()
        self._decoder = spdy.Decoder()
        self._frames: list[spdy.Control | spdy.Data] = []

    def open(self, first: int, port: str, request: str) -> None:
        for stream, kind in ((first, "error"), (first + 2, "data")):
            headers = {"streamtype": kind, "port": port, "requestid": request}
            self.send(self.encoder.syn_stream(stream, headers))
            reply = self.next()
            assert isinstance(reply, spdy.Control)
            assert (reply.kind, reply.stream) == (spdy.SYN_REPLY, stream)

    def send(self, data: bytes) -> None:
        self.connection.send_binary(data)

    def next(self) -> spdy.Control | spdy.Data:
        while not self._frames:
            message = self.connection.recv()
            assert isinstance(message, bytes), f"the tunnel ended with {message!r}"
            self._frames += self._decoder.feed(message)
        return self._frames.pop(0)


@pytest.fixture
def tunnelled(server: StandInCluster, cluster: Cluster, echo: tuple[str, int]) -> Iterator[Spdy]:
    cluster.forward("team", "a", 8080, to=echo)
    made = Spdy(server)
    # This library tells the protocol in small letters; the server must not.
    assert made.connection.headers["sec-websocket-protocol"] == tunnel.PROTOCOL
    yield made
    made.connection.shutdown()


def test_a_tunnel_carries_one_connection_after_another(tunnelled: Spdy) -> None:
    for first in (1, 5):
        tunnelled.open(first, "8080", str(first))
        tunnelled.send(spdy.data(first + 2, b"hello"))
        assert tunnelled.next() == spdy.Data(first + 2, 0, b"HELLO")
        tunnelled.send(spdy.data(first + 2, b"", spdy.FIN))
        assert tunnelled.next() == spdy.Data(first, spdy.FIN, b"")
        assert tunnelled.next() == spdy.Data(first + 2, spdy.FIN, b"")


def test_a_tunnel_answers_pings_and_survives_a_refusal(tunnelled: Spdy) -> None:
    tunnelled.send(spdy.ping(9))
    answer = tunnelled.next()
    assert isinstance(answer, spdy.Control)
    assert (answer.kind, answer.stream) == (spdy.PING, 9)
    tunnelled.open(1, "9", "0")
    error = tunnelled.next()
    assert isinstance(error, spdy.Data)
    assert error.payload.startswith(b"error forwarding port 9 to pod ")
    assert [tunnelled.next(), tunnelled.next()] == [spdy.Data(1, 1, b""), spdy.Data(3, 1, b"")]
    tunnelled.open(5, "8080", "1")


@pytest.mark.parametrize("garbage", [b"\x80\x02GET / HTTP/1.1", b"\x80\x03\0\x01\0\0\0\x0c" + b"x" * 12])
def test_a_tunnel_of_garbage_is_closed(tunnelled: Spdy, garbage: bytes) -> None:
    tunnelled.send(garbage)
    opcode, frame = tunnelled.connection.recv_data()
    assert (opcode, frame[:2]) == (websocket.ABNF.OPCODE_CLOSE, b"\x03\xf3")


def test_a_fault_of_a_stream_also_breaks_a_tunnel(
    server: StandInCluster, cluster: Cluster, tunnelled: Spdy
) -> None:
    assert tunnelled.connection.connected
    cluster.fault(Fault(PATH, stream=StreamFault.ERROR, stream_after_bytes=2))
    broken = Spdy(server)
    broken.open(1, "8080", "0")
    broken.send(spdy.data(3, b"hello"))
    frames = [broken.next() for _ in range(4)]
    payloads = [frame.payload for frame in frames]
    assert payloads[0] == b"HE"
    assert payloads[1].startswith(b"lost the connection")
    broken.connection.shutdown()
