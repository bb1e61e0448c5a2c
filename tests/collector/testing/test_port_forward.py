"""Whether a port-forward is granted."""

import http.client
import time
from collections.abc import Callable

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from memcollect.testing import Cluster, Fault, StandInCluster, channels

PATH = "/api/v1/namespaces/team/pods/a/portforward"
Dial = Callable[..., ClientConnection]


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
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    client.request("GET", PATH + "?ports=1")
    response = client.getresponse()
    assert (response.status, b"Upgrade request required" in response.read()) == (400, True)
    client.close()


def test_a_delay_comes_before_the_handshake_and_spoils_nothing(dial: Dial, cluster: Cluster) -> None:
    cluster.fault(Fault(PATH, delay_seconds=0.2))
    begun = time.monotonic()
    client = dial()
    assert time.monotonic() - begun >= 0.2
    client.send(b"\x00hello")
    assert [client.recv(5) for _ in range(3)][2] == b"\x00HELLO"


def test_a_scripted_status_stands_in_for_the_handshake(dial: Dial, cluster: Cluster) -> None:
    cluster.fault(Fault(PATH, status=503))
    with pytest.raises(InvalidStatus) as caught:
        dial()
    assert caught.value.response.status_code == 503
