"""The official Python client against the stand-in."""

import concurrent.futures
import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

import kubernetes
import pytest
from kubernetes.client.exceptions import ApiException

from memcollect.testing import NODE_METRICS, POD_METRICS, Cluster, Fault, StandInCluster, objects

MOMENT = "2026-01-01T00:00:00Z"


@pytest.fixture(params=["http", "https"])
def server(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[StandInCluster]:
    with StandInCluster(cluster, https=request.param == "https") as running:
        yield running


@pytest.fixture
def connect(server: StandInCluster, tmp_path: Any) -> Iterator[Any]:
    """Makes API clients, each with a configuration and connections of its own."""
    path = server.kubeconfig(tmp_path / "config")
    made: list[Any] = []

    def connected() -> Any:
        client = kubernetes.config.new_client_from_config(str(path))
        client.configuration.retries = False
        made.append(client)
        return client

    yield connected
    for client in made:
        client.rest_client.pool_manager.clear()
        client.close()


def test_pods_are_listed_as_models_and_as_raw_bytes(connect: Any) -> None:
    core: Any = kubernetes.client.CoreV1Api(connect())
    listed = core.list_pod_for_all_namespaces(label_selector="app=web")
    assert [pod.metadata.name for pod in listed.items] == ["d", "a", "b"]
    assert listed.items[0].status.container_statuses[0].ready
    raw = core.list_namespaced_pod("team", _preload_content=False)
    assert [item["metadata"]["name"] for item in json.loads(raw.data)["items"]] == ["a", "b", "c"]
    raw.release_conn()


def test_pages_are_followed_by_the_clients_own_token(connect: Any) -> None:
    core: Any = kubernetes.client.CoreV1Api(connect())
    first = core.list_pod_for_all_namespaces(limit=3)
    assert first.metadata.remaining_item_count == 2
    rest = core.list_pod_for_all_namespaces(limit=3, _continue=first.metadata._continue)
    names = [pod.metadata.name for pod in (*first.items, *rest.items)]
    assert names == ["d", "e", "a", "b", "c"]


def test_metrics_come_as_custom_objects(connect: Any, cluster: Cluster) -> None:
    cluster.put(POD_METRICS, objects.pod_metrics("team", "a", MOMENT, {"main": 3 * 1024, "side": 5}))
    cluster.put(NODE_METRICS, objects.node_metrics("node-1", MOMENT, 1 << 30))
    custom: Any = kubernetes.client.CustomObjectsApi(connect())
    pods = custom.list_cluster_custom_object("metrics.k8s.io", "v1beta1", "pods")
    usage = [container["usage"]["memory"] for container in pods["items"][0]["containers"]]
    assert usage == ["3Ki", "5"]
    node = custom.get_cluster_custom_object("metrics.k8s.io", "v1beta1", "nodes", "node-1")
    assert (node["kind"], node["usage"]["memory"]) == ("NodeMetrics", "1048576Ki")


def test_access_reviews_say_what_the_rules_say(connect: Any, cluster: Cluster) -> None:
    cluster.access.deny("create", "pods/portforward")
    api: Any = kubernetes.client.AuthorizationV1Api(connect())
    asked = kubernetes.client.V1ResourceAttributes(verb="create", resource="pods", subresource="portforward")
    spec = kubernetes.client.V1SelfSubjectAccessReviewSpec(resource_attributes=asked)
    review = kubernetes.client.V1SelfSubjectAccessReview(spec=spec)
    assert api.create_self_subject_access_review(review).status.allowed is False


def test_runtime_classes_version_and_errors_are_understood(connect: Any, cluster: Cluster) -> None:
    client = connect()
    assert kubernetes.client.NodeV1Api(client).list_runtime_class().items == []
    assert kubernetes.client.VersionApi(client).get_code().git_version == "v1.36.2"
    core: Any = kubernetes.client.CoreV1Api(client)
    with pytest.raises(ApiException) as caught:
        core.read_namespaced_pod("nope", "team")
    assert (caught.value.status, json.loads(caught.value.body or "")["reason"]) == (404, "NotFound")
    cluster.fault(Fault("/api/v1/nodes", status=503))
    with pytest.raises(ApiException) as caught:
        core.list_node()
    assert caught.value.status == 503


def node_port_service(name: str) -> Any:
    port = kubernetes.client.V1ServicePort(name="http", port=8080, target_port=8080, protocol="TCP")
    return kubernetes.client.V1Service(
        metadata=kubernetes.client.V1ObjectMeta(name=name, labels={"app": "web"}),
        spec=kubernetes.client.V1ServiceSpec(type="NodePort", ports=[port], selector={"app": "web"}),
    )


def test_services_made_at_once_get_a_node_port_each(connect: Any) -> None:
    cores: list[Any] = [kubernetes.client.CoreV1Api(connect()) for _ in range(8)]
    bodies = [node_port_service(f"svc-{index}") for index in range(8)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda core, body: core.create_namespaced_service("team", body), cores, bodies))
    ports = {service.spec.ports[0].node_port for service in made}
    assert ports == set(range(30000, 30008))
    assert len({service.spec.cluster_ip for service in made}) == 8
    read = cores[0].read_namespaced_service("svc-3", "team")
    assert read.spec.ports[0].node_port == made[3].spec.ports[0].node_port
    deleted = cores[0].delete_namespaced_service("svc-3", "team")
    assert deleted.metadata.uid == made[3].metadata.uid
    listed = cores[0].list_namespaced_service("team", label_selector="app=web")
    assert [service.metadata.name for service in listed.items] == [f"svc-{n}" for n in range(8) if n != 3]
    again = cores[0].create_namespaced_service("team", node_port_service("svc-9"))
    assert again.spec.ports[0].node_port == read.spec.ports[0].node_port


def test_a_node_port_that_another_has_is_refused(connect: Any) -> None:
    core: Any = kubernetes.client.CoreV1Api(connect())
    core.create_namespaced_service("team", node_port_service("first"))
    second = node_port_service("second")
    second.spec.ports[0].node_port = 30000
    with pytest.raises(ApiException) as caught:
        core.create_namespaced_service("team", second)
    assert (caught.value.status, json.loads(caught.value.body or "")["reason"]) == (422, "Invalid")


@pytest.fixture
def opened() -> Iterator[list[Any]]:
    """Port-forwards to close wholly: the client leaks its socket when the server closes first."""
    forwards: list[Any] = []
    yield forwards
    for forward in forwards:
        forward.close()
    for thread in threading.enumerate():
        if thread.name.startswith("Kubernetes port forward proxy"):
            thread.join(60)
    for forward in forwards:
        forward.websocket.shutdown()


def fetch(client: Any, path: str, opened: list[Any]) -> bytes:
    """GET `path` from port 8080 of the pod team/a through a port-forward."""
    core: Any = kubernetes.client.CoreV1Api(client)
    forward = kubernetes.stream.portforward(
        core.connect_get_namespaced_pod_portforward, "a", "team", ports="8080"
    )
    opened.append(forward)
    tunnelled = forward.socket(8080)
    tunnelled.settimeout(10)
    connection = http.client.HTTPConnection("127.0.0.1", 8080)
    connection.sock = tunnelled
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        return connection.getresponse().read()
    finally:
        connection.close()


def expected(path: str) -> bytes:
    return (path.encode() * 200_000)[:200_000]


def test_twenty_port_forwards_in_a_row_bring_every_byte(
    connect: Any, cluster: Cluster, agent: tuple[str, int], opened: list[Any]
) -> None:
    cluster.forward("team", "a", 8080, to=agent)
    client = connect()
    for index in range(20):
        assert fetch(client, f"/{index}/", opened) == expected(f"/{index}/")
    forwards = [entry for entry in cluster.requests if entry.path.endswith("/portforward")]
    assert len(forwards) == 20
    assert all(entry.status == 101 and entry.bytes_sent > 200_000 for entry in forwards)


def test_eight_port_forwards_at_a_time_do_not_mix(
    connect: Any, cluster: Cluster, agent: tuple[str, int], opened: list[Any]
) -> None:
    cluster.forward("team", "a", 8080, to=agent)
    # One client for each worker: the official one is not thread-safe while it forwards.
    clients = [connect() for _ in range(8)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        paths = [f"/{index}/" for index in range(8)]
        assert list(pool.map(fetch, clients, paths, [opened] * 8)) == [expected(path) for path in paths]


def test_a_refused_port_is_an_error_on_the_error_channel(connect: Any, opened: list[Any]) -> None:
    core: Any = kubernetes.client.CoreV1Api(connect())
    forward = kubernetes.stream.portforward(
        core.connect_get_namespaced_pod_portforward, "a", "team", ports="9"
    )
    opened.append(forward)
    tunnelled = forward.socket(9)
    tunnelled.settimeout(10)
    assert tunnelled.recv(1) == b""
    assert forward.error(9).startswith("error forwarding port 9 to pod ")
    assert "connection refused" in forward.error(9)


@pytest.mark.parametrize(
    ("namespace", "pod", "status"), [("team", "nope", "404"), ("team-b", "e", "400"), ("other", "a", "404")]
)
def test_a_pod_that_cannot_be_reached_fails_the_handshake(
    connect: Any, namespace: str, pod: str, status: str
) -> None:
    core: Any = kubernetes.client.CoreV1Api(connect())
    with pytest.raises(ApiException, match=status):
        kubernetes.stream.portforward(
            core.connect_get_namespaced_pod_portforward, pod, namespace, ports="8080"
        )


@pytest.mark.parametrize("verb", ["get", "create"])
def test_a_port_forward_needs_the_right_to_get_and_to_create(
    connect: Any, cluster: Cluster, verb: str
) -> None:
    cluster.access.deny(verb, "pods/portforward")
    core: Any = kubernetes.client.CoreV1Api(connect())
    with pytest.raises(ApiException, match="403"):
        kubernetes.stream.portforward(core.connect_get_namespaced_pod_portforward, "a", "team", ports="1")
