import http.server
import threading
from collections.abc import Iterator

import pytest

from memcollect.sources import http_forward, kube_config
from memcollect.sources.deadline import Deadline
from memcollect.sources.http_forward import HttpRequest, call
from memcollect.sources.portforward import PortForwardTransport
from memcollect.sources.transport import Endpoint, TransportError
from memcollect.testing import PODS, Cluster, Fault, StreamFault, objects

ENDPOINT = Endpoint(namespace="team", pod="web", port=8080)


class Sandbox(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201 if self.path == "/echo" else 404)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def transport(state: Cluster, cluster: kube_config.Cluster) -> Iterator[PortForwardTransport]:
    state.put(PODS, objects.pod("team", "web", node="node-1"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sandbox) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        state.forward("team", "web", 8080, to=("127.0.0.1", server.server_port))
        made = PortForwardTransport(cluster)
        yield made
        made.close()
        server.shutdown()
        thread.join()


def post(transport: PortForwardTransport, path: str, body: bytes = b"hello") -> http_forward.HttpAnswer:
    return call(transport, ENDPOINT, HttpRequest(method="POST", path=path, body=body), Deadline(20))


def test_the_answer_and_its_status_come_back(transport: PortForwardTransport) -> None:
    answer = post(transport, "/echo")
    assert (answer.status, answer.body) == (201, b"hello")
    assert post(transport, "/nothing").status == 404


def test_of_a_long_answer_the_beginning_is_kept(
    transport: PortForwardTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_forward, "LARGEST_ANSWER_BYTES", 1000)
    answer = post(transport, "/echo", b"x" * 200_000)
    assert len(answer.body) == 1000


def test_a_port_on_which_nothing_listens(transport: PortForwardTransport, state: Cluster) -> None:
    state.fault(Fault("/api/v1/namespaces/team/pods/web/portforward", stream=StreamFault.REFUSE))
    with pytest.raises(TransportError, match="Nothing listens on port 8080 of pod team/web"):
        post(transport, "/echo")


def test_a_stream_that_hangs_ends_with_its_deadline(transport: PortForwardTransport, state: Cluster) -> None:
    state.fault(Fault("/api/v1/namespaces/team/pods/web/portforward", stream=StreamFault.HANG))
    with pytest.raises((TimeoutError, TransportError)):
        call(transport, ENDPOINT, HttpRequest(path="/"), Deadline(0.5))
