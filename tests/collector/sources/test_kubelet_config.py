"""A kubelet asked for its own configuration: over TLS, with a client certificate, not by the API server."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from memcollect.documents.snapshot import Thresholds
from memcollect.kubernetes.objects import (
    DaemonEndpoint,
    DaemonEndpoints,
    Metadata,
    Node,
    NodeAddress,
    NodeStatus,
)
from memcollect.sources.api import Api
from memcollect.sources.kubelet_config import MOST_UNREACHED, RIGHT, KubeletConfigs
from memcollect.testing import Cluster
from memcollect.units import GIB, MIB

EVICTION = {"evictionHard": {"memory.available": "5%", "nodefs.available": "10%"}}
RECORDED = Path(__file__).parents[2] / "fixtures/kubernetes-1.36/configz.json"
SOFT = {"evictionSoft": {"memory.available": "1Gi"}, "evictionSoftGracePeriod": {"memory.available": "1m30s"}}


class Kubelet:
    """Answers /configz to whoever shows a certificate of the authority that it trusts."""

    def __init__(self, authority: trustme.CA, clients: trustme.CA) -> None:
        self.status = 200
        self.body: Any = {"kubeletconfig": EVICTION | SOFT}
        self.asked: list[str] = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(self._context)
        clients.configure_trust(self._context)
        self._context.verify_mode = ssl.CERT_REQUIRED
        self.port = 0

    @contextmanager
    def serving(self) -> Iterator["Kubelet"]:
        with ThreadingHTTPServer(("127.0.0.1", 0), self._handler()) as server:
            server.socket = self._context.wrap_socket(server.socket, server_side=True)
            self.port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        kubelet = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kubelet.asked.append(f"{self.path} {self.headers.get('Authorization', '')}".strip())
                self.send_response(kubelet.status)
                self.end_headers()
                body = kubelet.body
                self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def kubelet(authority: trustme.CA) -> Iterator[Kubelet]:
    with Kubelet(authority, authority).serving() as kubelet:
        yield kubelet


@pytest.fixture
def certain(api: Api, authority: trustme.CA, tmp_path: Path) -> Api:
    """The user has a client certificate and knows the cluster's authority."""
    files = {name: tmp_path / name for name in ("ca", "cert", "key")}
    authority.cert_pem.write_to_path(str(files["ca"]))
    mine = authority.issue_cert("alice@example.org")
    mine.cert_chain_pems[0].write_to_path(str(files["cert"]))
    mine.private_key_pem.write_to_path(str(files["key"]))
    configuration = api.cluster.configuration
    configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file = map(str, files.values())
    return api


def node(port: int, address: str = "127.0.0.1") -> Node:
    endpoints = DaemonEndpoints(kubelet_endpoint=DaemonEndpoint(port=port))
    addresses = [NodeAddress(type="Hostname", address="n1"), NodeAddress(type="InternalIP", address=address)]
    return Node(
        metadata=Metadata(name="n1"),
        status=NodeStatus(addresses=addresses if address else [], daemon_endpoints=endpoints),
    )


def test_the_kubelets_own_thresholds_are_read_from_it(certain: Api, kubelet: Kubelet) -> None:
    found = KubeletConfigs(certain).thresholds(node(kubelet.port), 16 * GIB)

    assert found == Thresholds(
        hard="5%", hard_bytes=16 * GIB * 5 // 100, soft="1Gi", soft_bytes=GIB, soft_grace="1m30s"
    )
    assert kubelet.asked == ["/configz"]


def test_what_a_real_kubelet_answered_is_read(certain: Api, kubelet: Kubelet) -> None:
    kubelet.body = json.loads(RECORDED.read_text())

    assert KubeletConfigs(certain).thresholds(node(kubelet.port), 4 * GIB) == Thresholds(
        hard="200Mi", hard_bytes=200 * MIB, soft="350Mi", soft_bytes=350 * MIB, soft_grace="2m"
    )


def test_nothing_is_asked_of_the_api_server_but_whether_one_may(
    certain: Api, kubelet: Kubelet, state: Cluster
) -> None:
    KubeletConfigs(certain).thresholds(node(kubelet.port), GIB)

    assert [(each.method, "/proxy" in each.path) for each in list(state.requests)] == [("POST", False)]
    assert (RIGHT.verb, RIGHT.full_resource) == ("get", "nodes/configz")


@pytest.mark.parametrize(
    ("config", "hard"),
    [
        ({}, Thresholds()),
        ({"evictionHard": {"nodefs.available": "10%"}}, Thresholds()),
        ({"evictionHard": {"memory.available": "0"}}, Thresholds(hard="0")),
        ({"evictionHard": {"memory.available": "300Mi"}}, Thresholds(hard="300Mi", hard_bytes=300 * MIB)),
    ],
)
def test_a_kubelet_without_a_threshold_has_none(
    config: dict[str, Any], hard: Thresholds, certain: Api, kubelet: Kubelet
) -> None:
    kubelet.body = {"kubeletconfig": config}

    assert KubeletConfigs(certain).thresholds(node(kubelet.port), None) == hard


@pytest.mark.parametrize(
    "body",
    [
        b"hello",
        b"[" * 100_000,
        {},
        {"kubeletconfig": {"evictionHard": "5%"}},
        {"kubeletconfig": {"evictionHard": {"memory.available": "lots"}}},
        {"kubeletconfig": {"evictionHard": {"memory.available": "%"}}},
        {"kubeletconfig": {"evictionHard": {"memory.available": "5%"}}},
    ],
)
def test_an_answer_that_is_none_is_said_to_be(body: Any, certain: Api, kubelet: Kubelet) -> None:
    kubelet.body = body

    said = KubeletConfigs(certain).thresholds(node(kubelet.port), None)

    assert said == "what it answered is no configuration of a kubelet"


@pytest.mark.parametrize(
    ("status", "said"),
    [(403, "before Kubernetes 1.33 it asks for more than nodes/configz"), (500, "answered 500")],
)
def test_a_refusal_is_told(status: int, said: str, certain: Api, kubelet: Kubelet) -> None:
    kubelet.status = status

    assert said in str(KubeletConfigs(certain).thresholds(node(kubelet.port), GIB))


def test_a_token_is_never_shown_to_a_node(api: Api, kubelet: Kubelet, state: Cluster) -> None:
    said = KubeletConfigs(api).thresholds(node(kubelet.port), GIB)

    assert said == "only who shows a client certificate asks it, for a token would be shown to the node"
    assert (kubelet.asked, list(state.requests)) == ([], [])


def test_a_kubelet_of_another_authority_is_not_believed(certain: Api, authority: trustme.CA) -> None:
    with Kubelet(trustme.CA(), authority).serving() as foreign:
        said = KubeletConfigs(certain).thresholds(node(foreign.port), GIB)

    assert "not of the cluster's own authority" in str(said)
    assert foreign.asked == []


def test_without_the_right_no_kubelet_is_asked(certain: Api, kubelet: Kubelet, state: Cluster) -> None:
    state.access.deny("get", "nodes/configz")

    said = KubeletConfigs(certain).thresholds(node(kubelet.port), GIB)

    assert said == "reading it needs the right to get nodes/configz of the cluster"
    assert kubelet.asked == []


def test_a_node_without_an_address_is_not_guessed_at(certain: Api) -> None:
    assert KubeletConfigs(certain).thresholds(node(1, ""), GIB) == "the API server has no address of it"


def test_where_no_kubelet_answers_the_rest_is_not_waited_for(certain: Api) -> None:
    with Kubelet(trustme.CA(), trustme.CA()).serving() as gone:
        port = gone.port
    configs = KubeletConfigs(certain)

    said = [str(configs.thresholds(node(port), GIB)) for _ in range(MOST_UNREACHED + 1)]

    assert all("does not answer here at 127.0.0.1" in each for each in said[:-1])
    assert said[-1] == f"it was not asked: none of {MOST_UNREACHED} kubelets before it answered"
