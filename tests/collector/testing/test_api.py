import json
from pathlib import Path
from typing import Any

import pytest

from memcollect.testing import NAMESPACES, PODS, RUNTIME_CLASSES, SERVICES, Cluster, objects, services
from memcollect.testing.api import answer
from memcollect.testing.exchange import Answer, Request

CURL = "curl/8.20"


def get(cluster: Cluster, path: str, **extra: Any) -> Answer:
    return answer(cluster, Request("GET", path, address="10.99.0.1:6443", **extra))


def send(cluster: Cluster, method: str, path: str, document: object = None) -> tuple[int, Any]:
    answered = answer(cluster, Request(method, path, body=json.dumps(document).encode()))
    return answered.status, json.loads(answered.body)


def decoded(cluster: Cluster, path: str, **extra: Any) -> Any:
    return json.loads(get(cluster, path, **extra).body)


@pytest.mark.parametrize(
    ("recording", "path"),
    [
        ("pod-404.json", "/api/v1/namespaces/default/pods/nope"),
        ("podmetrics-404.json", "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/nope"),
        ("version.json", "/version"),
        ("api.json", "/api"),
        ("apis_metrics.k8s.io_v1beta1.json", "/apis/metrics.k8s.io/v1beta1"),
    ],
)
def test_answers_are_the_recorded_ones_to_the_byte(recording: str, path: str, api_recordings: Path) -> None:
    # What was recorded with curl is indented, unless it was discovery.
    recorded = (api_recordings / recording).read_bytes()
    indented = recorded.startswith(b"{\n")
    assert get(Cluster(), path, user_agent=CURL if indented else "").body == recorded


@pytest.mark.parametrize(
    ("recording", "path"),
    [
        ("pods-of-missing-namespace.json", "/api/v1/namespaces/missing/pods"),
        ("runtimeclasses.json", "/apis/node.k8s.io/v1/runtimeclasses"),
    ],
)
def test_empty_lists_are_the_recorded_ones_to_the_byte(
    recording: str, path: str, api_recordings: Path
) -> None:
    cluster = Cluster()
    cluster.store.revision = 889
    assert get(cluster, path).body == (api_recordings / recording).read_bytes()


def test_a_page_of_pods_is_the_recorded_one_but_for_the_order_of_keys(api_recordings: Path) -> None:
    recorded = json.loads((api_recordings / "pods-limit-2-with-continue.json").read_bytes())
    cluster = Cluster()
    for item in recorded["items"]:
        cluster.put(PODS, item)
    assert decoded(cluster, "/api/v1/pods")["items"] == recorded["items"]
    single = decoded(cluster, "/api/v1/namespaces/deer-flow/pods/sandbox-a")
    assert single == {"kind": "Pod", "apiVersion": "v1", **recorded["items"][0]}


def test_metrics_selected_by_label_are_the_recorded_ones(api_recordings: Path, quiet_cluster: Path) -> None:
    recorded = json.loads((api_recordings / "podmetrics-by-selector.json").read_bytes())
    cluster = Cluster.from_recording(quiet_cluster)
    path = "/apis/metrics.k8s.io/v1beta1/namespaces/deer-flow/pods"
    found = decoded(cluster, path, query={"labelSelector": ["app=deer-flow-sandbox"]})
    names = [item["metadata"]["name"] for item in found.pop("items")]
    assert names == [item["metadata"]["name"] for item in recorded.pop("items")]
    assert found == recorded


@pytest.mark.parametrize(
    "name", ["api_v1", "apis_apps_v1", "apis_authorization.k8s.io_v1", "apis_node.k8s.io_v1"]
)
def test_discovery_describes_what_is_served_as_the_recorded_one_does(name: str, api_recordings: Path) -> None:
    recorded = json.loads((api_recordings / f"{name}.json").read_bytes())
    described = {resource["name"]: resource for resource in recorded.pop("resources")}
    found = decoded(Cluster(), "/" + name.replace("_", "/"))
    for resource in found.pop("resources"):
        # The hash says how objects are stored, which they are not here.
        described[resource["name"]].pop("storageVersionHash", None)
        assert resource == described[resource["name"]]
    assert found == recorded


def test_every_group_in_the_list_is_described_as_recorded(api_recordings: Path) -> None:
    recorded = json.loads((api_recordings / "apis.json").read_bytes())
    groups = decoded(Cluster(), "/apis")["groups"]
    assert [g["name"] for g in groups] == [
        *("apiextensions.k8s.io", "apps", "authorization.k8s.io", "metrics.k8s.io"),
        *("networking.k8s.io", "node.k8s.io"),
    ]
    for group in groups:
        assert group in recorded["groups"]
        assert decoded(Cluster(), f"/apis/{group['name']}")["preferredVersion"] == group["preferredVersion"]


def test_without_metrics_server_the_metrics_api_is_not_there() -> None:
    cluster = Cluster()
    cluster.metrics = False
    assert "metrics.k8s.io" not in get(cluster, "/apis").body.decode()
    for path in ("", "/v1beta1", "/v1beta1/pods"):
        answered = get(cluster, f"/apis/metrics.k8s.io{path}")
        assert (answered.status, answered.body) == (404, b"404 page not found\n")


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/api/v1/secrets", 404, "NotFound"),
        ("GET", "/api/v1/namespaces/team/nodes", 404, "NotFound"),
        ("GET", "/api/v1/namespaces/team/pods/a/log", 404, "NotFound"),
        ("GET", "/api/v1/namespaces/team/pods/a/b/c", 404, "NotFound"),
        ("PATCH", "/api/v1/namespaces/team/pods/a", 415, "UnsupportedMediaType"),
        ("POST", "/apis/metrics.k8s.io/v1beta1/namespaces/team/pods", 405, "MethodNotAllowed"),
        ("POST", "/api/v1/namespaces/missing/pods", 404, "NotFound"),
        ("POST", "/api/v1/namespaces/team/pods", 409, "AlreadyExists"),
        ("DELETE", "/api/v1/namespaces/team/pods/nope", 404, "NotFound"),
    ],
)
def test_what_cannot_be_is_refused_with_a_status(
    cluster: Cluster, method: str, path: str, status: int, reason: str
) -> None:
    code, document = send(cluster, method, path, objects.pod("team", "a"))
    assert (code, document["reason"], document["code"]) == (status, reason, status)


def test_a_path_outside_the_api_is_a_plain_404(cluster: Cluster) -> None:
    answered = get(cluster, "/openapi/v2")
    assert (answered.status, answered.content_type) == (404, "text/plain; charset=utf-8")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"k8s\0rubbish"])
def test_a_body_that_cannot_be_read_is_refused(cluster: Cluster, body: bytes) -> None:
    for path in ("/api/v1/namespaces", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"):
        assert answer(cluster, Request("POST", path, body=body)).status in (400, 415)


def test_what_is_denied_is_forbidden_and_a_review_says_so_too(cluster: Cluster) -> None:
    cluster.access.deny("list", "pods")
    assert get(cluster, "/api/v1/pods").status == 403
    assert get(cluster, "/api/v1/namespaces/team/pods/a").status == 200
    spec = {"spec": {"resourceAttributes": {"verb": "list", "resource": "pods"}}}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    assert send(cluster, "POST", path, spec)[1]["status"] == {"allowed": False}


def test_a_pod_is_created_pending_and_its_kubelet_may_be_played(cluster: Cluster) -> None:
    code, created = send(cluster, "POST", "/api/v1/namespaces/team/pods", {"metadata": {"name": "new"}})
    assert (code, created["status"]["phase"]) == (201, "Pending")
    assert created["metadata"]["uid"]
    cluster.on_pod_created = lambda pod: pod["status"].update(phase="Running")
    generated = {"metadata": {"generateName": "new-"}}
    _, second = send(cluster, "POST", "/api/v1/namespaces/team/pods", generated)
    assert second["metadata"]["name"].startswith("new-")
    assert second["status"]["phase"] == "Running"


def test_a_pod_that_exists_is_refused_before_its_kubelet_hears_of_it(cluster: Cluster) -> None:
    heard: list[str] = []
    cluster.on_pod_created = lambda pod: heard.append(pod["metadata"]["name"])
    code, _ = send(cluster, "POST", "/api/v1/namespaces/team/pods", objects.pod("team", "a"))
    assert (code, heard) == (409, [])


def test_a_service_is_created_with_an_address_and_its_deletion_answers_with_it(cluster: Cluster) -> None:
    path = "/api/v1/namespaces/team/services"
    body = {"metadata": {"name": "web"}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}}
    code, created = send(cluster, "POST", path, body)
    assert (code, created["kind"], created["spec"]["clusterIP"]) == (201, "Service", "10.96.0.11")
    assert created["spec"]["ports"] == [
        {"port": 80, "protocol": "TCP", "targetPort": 80, "nodePort": services.NODE_PORTS.start}
    ]
    code, refused = send(cluster, "POST", path, body)
    assert (code, refused["message"]) == (409, 'services "web" already exists')
    code, deleted = send(cluster, "DELETE", f"{path}/web")
    assert (code, deleted["kind"], deleted["metadata"]["uid"]) == (200, "Service", created["metadata"]["uid"])
    assert send(cluster, "GET", f"{path}/web")[0] == 404


def test_services_are_selected_by_label_and_by_field(cluster: Cluster) -> None:
    web = {"app": "web"}
    cluster.put(SERVICES, objects.service("team", "a", cluster_ip="10.96.0.20", labels=web))
    cluster.put(SERVICES, objects.service("team", "b", cluster_ip="10.96.0.21", node_port=30001, labels=web))
    cluster.put(SERVICES, objects.service("team", "c", cluster_ip="10.96.0.22", node_port=30002))

    def names(query: dict[str, list[str]]) -> list[str]:
        listed = decoded(cluster, "/api/v1/services", query=query)
        return [item["metadata"]["name"] for item in listed["items"]]

    assert names({"labelSelector": ["app=web"]}) == ["a", "b"]
    assert names({"fieldSelector": ["spec.type=NodePort"]}) == ["b", "c"]
    assert names({"labelSelector": ["app"], "fieldSelector": ["spec.clusterIP=10.96.0.21"]}) == ["b"]


def test_a_deleted_namespace_takes_its_pods_and_services_with_it(cluster: Cluster) -> None:
    for namespace in ("team", "team-b"):
        cluster.put(SERVICES, objects.service(namespace, "web", cluster_ip="10.96.0.20"))
    code, deleted = send(cluster, "DELETE", "/api/v1/namespaces/team")
    assert (code, deleted["kind"]) == (200, "Namespace")
    for resource in (PODS, SERVICES):
        assert {found.namespace for found in cluster.store.all(resource)} == {"team-b"}
    assert not cluster.store.has(NAMESPACES, "", "team")
    cluster.put(RUNTIME_CLASSES, objects.runtime_class("gvisor", "runsc"))
    _, status = send(cluster, "DELETE", "/apis/node.k8s.io/v1/runtimeclasses/gvisor")
    assert status["status"] == "Success"


def test_a_wrong_token_is_unauthorized_everywhere(cluster: Cluster) -> None:
    cluster.access.tokens["right"] = "alice"
    for path in ("/version", "/api/v1/pods", "/nowhere"):
        assert get(cluster, path).status == 401
        assert get(cluster, path, authorization="Bearer right").status in (200, 404)


def test_a_subresource_that_somebody_plays_is_answered_by_them_if_one_may_have_it() -> None:
    cluster = Cluster()
    path = "/api/v1/namespaces/team/pods/web-1/ephemeralcontainers"
    assert send(cluster, "PUT", path, {})[0] == 404
    cluster.subresources[PODS, "ephemeralcontainers"] = lambda *sent: {"sent": sent}
    assert send(cluster, "PUT", path, {"a": 1}) == (200, {"sent": ["team", "web-1", {"a": 1}]})
    assert send(cluster, "DELETE", path)[0] == 404
    cluster.access.deny("update", "pods/ephemeralcontainers")
    assert send(cluster, "PUT", path, {})[0] == 403
