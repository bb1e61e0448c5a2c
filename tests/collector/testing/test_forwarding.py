"""What lies between the two ends of a port-forward, where one of them takes nothing."""

import socket

import pytest

from memcollect.testing import forwarding
from memcollect.testing.forwarding import Pump
from memcollect.testing.request_log import LoggedRequest
from memcollect.testing.websocket import WebSocket

MORE_THAN_FITS = 16 << 20


def test_of_a_pod_that_takes_nothing_for_too_long_the_connection_ends_and_no_gap_is_passed_over() -> None:
    client, _other = socket.socketpair()
    ours, pod = socket.socketpair()
    with client, _other, ours, pod:
        ours.settimeout(0.05)
        pump = Pump(WebSocket(client), LoggedRequest("GET", "/", {}), None)
        pump.add(0, ours)
        pump.to_pod(0, bytes(MORE_THAN_FITS))
        pump.to_pod(0, b"what follows the gap")
        taken = 0
        pod.settimeout(60)
        while piece := pod.recv(1 << 20):
            assert piece.strip(b"\0") == b""
            taken += len(piece)
        assert 0 < taken < MORE_THAN_FITS
        pump.close()


def test_the_limit_is_that_of_every_connection_to_a_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding, "_SEND_SECONDS", 7.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        connected = forwarding.dial(server.getsockname(), 80, "sandbox")
        with connected:
            assert connected.gettimeout() == 7.0
