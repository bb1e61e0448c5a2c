"""The frames of v4.channel.k8s.io, and what goes wrong in it."""

from collections.abc import Callable

import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from websockets.sync.client import ClientConnection

from memcollect.testing import Cluster, Fault, StreamFault, channels

PATH = "/api/v1/namespaces/team/pods/a/portforward"
GREETING = b"\x00\x90\x1f", b"\x01\x90\x1f"  # port 8080 on both channels, little-endian
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
