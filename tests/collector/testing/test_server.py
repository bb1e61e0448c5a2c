import http.client
import json
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest

from memcollect.testing import Cluster, Fault, StandInCluster
from worlds.waiting import PATIENCE


def test_stopping_ends_hanging_and_idle_connections_and_their_threads(cluster: Cluster) -> None:
    before = set(threading.enumerate())
    cluster.fault(Fault("/version", hang=True))
    with StandInCluster(cluster) as server, socket.create_connection(("127.0.0.1", server.port)) as idle:
        hanging = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        hanging.request("GET", "/version")
        while not len(cluster.requests):
            time.sleep(0.01)
        begun = time.monotonic()
        server.stop()
        assert time.monotonic() - begun < PATIENCE
        assert idle.recv(1) == b""
        hanging.close()
    assert set(threading.enumerate()) == before


def test_two_stand_ins_run_side_by_side(cluster: Cluster) -> None:
    with StandInCluster(cluster) as one, StandInCluster() as other:
        assert one.port != other.port


def test_there_is_no_address_before_the_start() -> None:
    with pytest.raises(RuntimeError, match="not running"):
        _ = StandInCluster().url


def test_https_is_trusted_by_its_authority_alone(cluster: Cluster) -> None:
    with StandInCluster(cluster, https=True) as server:
        assert server.authority is not None
        trusting = ssl.create_default_context(cadata=server.authority.decode())
        client = http.client.HTTPSConnection("127.0.0.1", server.port, context=trusting, timeout=60)
        client.request("GET", "/version")
        assert client.getresponse().status == 200
        client.close()
        stranger = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=60)
        with pytest.raises(ssl.SSLCertVerificationError):
            stranger.connect()
        stranger.close()


def test_a_client_that_stalls_its_handshake_does_not_stall_others(cluster: Cluster) -> None:
    with (
        StandInCluster(cluster, https=True) as server,
        socket.create_connection(("127.0.0.1", server.port)),
    ):
        context = ssl.create_default_context(cadata=(server.authority or b"").decode())
        client = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=60)
        client.request("GET", "/readyz")
        assert client.getresponse().read() == b"ok"
        client.close()


def test_a_kubeconfig_leads_here_and_carries_the_token(cluster: Cluster, tmp_path: Path) -> None:
    cluster.access.tokens["opens"] = "alice"
    with StandInCluster(cluster, https=True) as server:
        path = server.kubeconfig(tmp_path / "config", namespace="team")
        written = json.loads(path.read_text())
        assert written["clusters"][0]["cluster"]["server"] == server.url
        assert written["users"][0]["user"] == {"token": "opens"}
        assert written["contexts"][0]["context"]["namespace"] == "team"
        assert path.stat().st_mode & 0o777 == 0o600
