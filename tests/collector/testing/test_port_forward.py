"""Port-forwards on the wire: the frames of both protocols, and what goes wrong."""

import contextlib
import http.client
import socketserver
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import websocket
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from memcollect.testing import Cluster, Fault, StandInCluster, StreamFault, channels, spdy, tunnel

PATH = "/api/v1/namespaces/team/pods/a/portforward"
GREETING = b"\x00\x90\x1f", b"\x01\x90\x1f"  # port 8080 on both channels, little-endian


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            while data := self.request.recv(65536):
                self.request.sendall(data.upper())


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """A server that returns in capitals what it gets, until the end of it."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Echo) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
        thread.start()
        yield "127.0.0.1", listening.server_address[1]
        listening.shutdown()
        thread.join()


@pytest.fixture
def dial(
    server: StandInCluster, cluster: Cluster, echo: tuple[str, int]
) -> Iterator[Callable[[str, str], ClientConnection]]:
    cluster.forward("team", "a", 8080, to=echo)
    with contextlib.ExitStack() as opened:

        def dialled(query: str = "?ports=8080", protocol: str = channels.PROTOCOL) -> ClientConnection:
            url = f"ws://127.0.0.1:{server.port}{PATH}{query}"
            subprotocols = [Subprotocol(protocol)]
            return opened.enter_context(connect(url, subprotocols=subprotocols, close_timeout=1))

        yield dialled


Dial = Callable[..., ClientConnection]


def test_each_channel_opens_with_its_port_and_then_carries_bytes(dial: Dial) -> None:
    client = dial()
    assert client.subprotocol == channels.PROTOCOL
    assert (client.recv(5), client.recv(5, decode=False)) == GREETING
    client.send(b"\x00hello")
    assert client.recv(5) == b"\x00HELLO"


def test_several_ports_have_two_channels_each(dial: Dial, cluster: Cluster, echo: tuple[str, int]) -> None:
    cluster.forward("team", "a", 300, to=echo)
    client = dial("?ports=8080&ports=300,9")
    opening = [client.recv(5) for _ in range(6)]
    assert opening[2:] == [b"\x02\x2c\x01", b"\x03\x2c\x01", b"\x04\x09\x00", b"\x05\x09\x00"]
    refused = client.recv(5)
    assert isinstance(refused, bytes)
    assert refused.startswith(b"\x05error forwarding port 9 ")
    for channel, text in ((b"\x00", b"one"), (b"\x02", b"two")):
        client.send(channel + text)
        assert client.recv(5) == channel + text.upper()


def test_a_fragmented_message_is_one(dial: Dial) -> None:
    client = dial()
    client.recv(5), client.recv(5)
    client.send([b"\x00hel", b"lo"])
    assert client.recv(5) == b"\x00HELLO"


@pytest.mark.parametrize(
    ("fault", "closed"),
    [
        (StreamFault.CLOSE, ConnectionClosedOK),
        (StreamFault.CUT, ConnectionClosedError),
        (StreamFault.ERROR, ConnectionClosedOK),
    ],
)
def test_a_stream_ends_in_the_middle_as_scripted(
    dial: Dial, cluster: Cluster, fault: StreamFault, closed: type[ConnectionClosed]
) -> None:
    cluster.fault(Fault(PATH, stream=fault, stream_after_bytes=3))
    client = dial()
    client.recv(5), client.recv(5)
    client.send(b"\x00hello")
    assert client.recv(5) == b"\x00HEL"
    if fault is StreamFault.ERROR:
        assert b"\x01error forwarding port 8080" in client.recv(5, decode=False)
    with pytest.raises(closed):
        client.recv(5)


def test_a_refused_stream_says_why_and_closes(dial: Dial, cluster: Cluster) -> None:
    cluster.fault(Fault(PATH, stream=StreamFault.REFUSE))
    client = dial()
    client.recv(5), client.recv(5)
    error = client.recv(5)
    assert isinstance(error, bytes)
    assert error.startswith(b"\x01error forwarding port 8080 to pod ")
    with pytest.raises(ConnectionClosedOK):
        client.recv(5)


def test_a_stream_may_hang_after_the_handshake(dial: Dial, cluster: Cluster) -> None:
    cluster.fault(Fault(PATH, stream=StreamFault.HANG))
    client = dial()
    client.send(b"\x00hello")
    with pytest.raises(TimeoutError):
        client.recv(0.2)


def test_a_handshake_may_hang(server: StandInCluster, cluster: Cluster) -> None:
    cluster.fault(Fault(PATH, hang=True))
    url = f"ws://127.0.0.1:{server.port}{PATH}?ports=1"
    with pytest.raises(TimeoutError), connect(url, open_timeout=0.2):
        pass


@pytest.mark.parametrize(
    ("query", "protocol"),
    [
        ("", channels.PROTOCOL),
        ("?ports=0", channels.PROTOCOL),
        ("?ports=x", channels.PROTOCOL),
        ("?ports=1", "v9"),
    ],
)
def test_a_request_that_means_nothing_is_refused(dial: Dial, query: str, protocol: str) -> None:
    with pytest.raises(InvalidStatus) as caught:
        dial(query, protocol)
    assert caught.value.response.status_code == 400


def test_without_an_upgrade_a_port_forward_is_a_bad_request(server: StandInCluster) -> None:
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    client.request("GET", PATH + "?ports=1")
    response = client.getresponse()
    assert (response.status, b"Upgrade request required" in response.read()) == (400, True)
    client.close()


class Spdy:
    """A client's side of a tunnel; its subprotocol has a slash, which not every library sends."""

    def __init__(self, server: StandInCluster) -> None:
        url = f"ws://127.0.0.1:{server.port}{PATH}"
        self.connection: Any = websocket.create_connection(url, timeout=5, subprotocols=[tunnel.PROTOCOL])
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
