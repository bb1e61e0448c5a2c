"""Servers that send a byte now and then: the time of a request is for all of its answer."""

import socket
import threading
from pathlib import Path

import pytest
import urllib3

from memcollect.errors import ProvisionerError, UnreachableError
from memcollect.evidence.port import OperationError
from memcollect.sources import kube_config
from memcollect.sources.api import Api, Patience
from memcollect.sources.provisioner import ProvisionerCall, ask
from memcollect.sources.rights import Right
from memcollect.sources.timed import timed
from memcollect.testing import kubeconfig
from memcollect.trying.http import UrlSender
from worlds.tcp_agents import Behaviour, listening
from worlds.waiting import PATIENCE

SECONDS = 0.4


def dripping(start: bytes, drop: bytes) -> Behaviour:
    """Send `start`, and then `drop` again and again, sooner than any read times out, until nobody reads."""

    def answer(connection: socket.socket, _body: bytes) -> None:
        pause = threading.Event()
        connection.sendall(start)
        for _ in range(int(PATIENCE / 0.02)):
            connection.sendall(drop)
            pause.wait(0.02)

    return answer


DRIPS = {
    "the status": dripping(b"HTTP/1.1 200 ", b"O"),
    "headers": dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "one header": dripping(b"HTTP/1.1 200 OK\r\nX: ", b"y"),
    "the body": dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
    "chunks": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "other answers first": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("what", DRIPS)
def test_an_api_server_that_drips_is_given_up(tmp_path: Path, what: str) -> None:
    with listening(DRIPS[what]) as port:
        config = kubeconfig.write(tmp_path / "c", f"http://127.0.0.1:{port}", authority=None, token=None)
        with (
            Api(kube_config.connect(str(config)), Patience(timeout=SECONDS, tries=1)) as api,
            pytest.raises(UnreachableError, match=r"did not answer in 0\.4 s|cannot be reached"),
        ):
            api.get("/api/v1/pods", Right("list", "pods"))


@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("what", [each for each in DRIPS if each != "the body"])
def test_a_provisioner_that_drips_is_given_up(what: str) -> None:
    with (
        listening(DRIPS[what]) as port,
        timed(urllib3.PoolManager()) as pool,
        pytest.raises(ProvisionerError, match="did not answer"),
    ):
        ask(pool, ProvisionerCall(method="GET", url=f"http://127.0.0.1:{port}/"), SECONDS)


@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("what", DRIPS)
def test_a_gateway_that_drips_is_given_up(what: str) -> None:
    with listening(DRIPS[what]) as port, pytest.raises(OperationError):
        UrlSender(f"http://127.0.0.1:{port}").send("GET", "/", b"", {}, SECONDS)
