"""The recordings of a real cluster, and small servers to forward to."""

import contextlib
import http.server
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from memcollect.testing import PODS, Cluster, StandInCluster, channels, objects

FORWARD_PATH = "/api/v1/namespaces/team/pods/a/portforward"
_FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
RECORDED_CLUSTERS = (
    "systemd-kernel-7.2",
    "systemd-kernel-6.12",
    "systemd-oom-kernel-7.2",
    "cgroupfs-kernel-7.2",
    "cgroupfs-init-tmpfs-kernel-7.2",
)


@pytest.fixture(scope="session")
def api_recordings() -> Path:
    return _FIXTURES / "kubernetes-1.36"


@pytest.fixture(params=RECORDED_CLUSTERS)
def recorded(request: pytest.FixtureRequest) -> Path:
    return _FIXTURES / str(request.param) / "api"


@pytest.fixture(scope="session")
def quiet_cluster() -> Path:
    return _FIXTURES / "systemd-kernel-7.2" / "api"


@pytest.fixture
def cluster() -> Cluster:
    """Five pods in two namespaces, on two nodes."""
    made = Cluster()
    for name, labels, node in (
        ("a", {"app": "web", "tier": "front"}, "node-1"),
        ("b", {"app": "web"}, "node-2"),
        ("c", {"app": "db"}, "node-1"),
    ):
        made.put(PODS, objects.pod("team", name, labels=labels, node=node))
    made.put(PODS, objects.pod("team-b", "d", labels={"app": "web"}, node="node-1"))
    made.put(PODS, objects.pod("team-b", "e", phase="Pending"))
    return made


@pytest.fixture
def server(cluster: Cluster) -> Iterator[StandInCluster]:
    with StandInCluster(cluster) as running:
        yield running


class _Agent(http.server.BaseHTTPRequestHandler):
    """Answers every GET with its path, repeated to 200 kB."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = (self.path.encode() * 200_000)[:200_000]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        pass


@pytest.fixture
def agent() -> Iterator[tuple[str, int]]:
    """The address of a real HTTP server on the loopback."""
    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Agent)
    listening.daemon_threads = False
    thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
    thread.start()
    yield "127.0.0.1", listening.server_port
    listening.shutdown()
    listening.server_close()
    thread.join()


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
            url = f"ws://127.0.0.1:{server.port}{FORWARD_PATH}{query}"
            subprotocols = [Subprotocol(protocol)]
            return opened.enter_context(connect(url, subprotocols=subprotocols, close_timeout=1))

        yield dialled
