"""The real kubectl against the stand-in: what it prints is what it prints of a real cluster."""

import http.client
import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from memcollect.testing import PODS, SERVICES, Cluster, Fault, StandInCluster, objects
from worlds import children
from worlds.real_kubectl import kubectl_path, why_not

KUBECTL = kubectl_path()
pytestmark = pytest.mark.skipif(KUBECTL is None, reason=why_not())


class Kubectl:
    def __init__(self, server: StandInCluster, home: Path) -> None:
        self.config = server.kubeconfig(home / "kubeconfig")
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(home), "KUBECONFIG": str(self.config)}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [KUBECTL or "", *arguments]
        return children.run(command, env=self.environment)

    def out(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.out(*arguments, "-o", "json"))


@pytest.fixture
def kubectl(server: StandInCluster, tmp_path: Path) -> Kubectl:
    return Kubectl(server, tmp_path)


def test_top_prints_what_it_printed_of_the_real_cluster(recorded: Path, tmp_path: Path) -> None:
    with StandInCluster(Cluster.from_recording(recorded)) as server:
        kubectl = Kubectl(server, tmp_path)
        assert kubectl.out("top", "pods", "-A", "--containers") == (recorded / "top-pods.txt").read_text()
        assert kubectl.out("top", "nodes") == (recorded / "top-nodes.txt").read_text()


def test_get_returns_the_recorded_objects(recorded: Path, tmp_path: Path) -> None:
    with StandInCluster(Cluster.from_recording(recorded)) as server:
        kubectl = Kubectl(server, tmp_path)
        assert kubectl.json("get", "pods", "-A") == json.loads((recorded / "pods.json").read_bytes())
        assert kubectl.json("get", "nodes") == json.loads((recorded / "nodes.json").read_bytes())


def names(printed: str) -> list[str]:
    return [line.split()[1] for line in printed.splitlines()[1:]]


def test_get_prints_the_table_of_all_namespaces(kubectl: Kubectl) -> None:
    lines = kubectl.out("get", "pods", "-A").splitlines()
    assert lines[0].split() == ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert [line.split()[:4] for line in lines[1:]] == [
        ["team-b", "d", "1/1", "Running"],
        ["team-b", "e", "0/1", "Pending"],
        ["team", "a", "1/1", "Running"],
        ["team", "b", "1/1", "Running"],
        ["team", "c", "1/1", "Running"],
    ]


def test_get_by_label_and_field_shows_what_matches(kubectl: Kubectl) -> None:
    assert names(kubectl.out("get", "pods", "-A", "-l", "app=web")) == ["d", "a", "b"]
    assert names(kubectl.out("get", "pods", "-A", "-l", "app in (web),tier")) == ["a"]
    assert names(kubectl.out("get", "pods", "-A", "--field-selector", "spec.nodeName=node-2")) == ["b"]


def test_get_in_chunks_asks_page_by_page(kubectl: Kubectl, cluster: Cluster) -> None:
    assert names(kubectl.out("get", "pods", "-A", "--chunk-size=2")) == ["d", "e", "a", "b", "c"]
    pages = [entry for entry in cluster.requests if entry.path == "/api/v1/pods"]
    assert [entry.query["limit"] for entry in pages] == [["2"]] * 3
    assert [("continue" in entry.query) for entry in pages] == [False, True, True]


def test_a_list_that_expires_between_pages_is_gone(kubectl: Kubectl, cluster: Cluster) -> None:
    cluster.fault(Fault("/api/v1/pods$", skip=1, expire_lists=True))
    done = kubectl.run("get", "pods", "-A", "--chunk-size=2")
    assert [entry.status for entry in cluster.requests if entry.path == "/api/v1/pods"] == [200, 410]
    assert done.returncode == 1
    assert "Error from server (Expired): The provided continue parameter is too old" in done.stderr


def test_can_i_says_what_the_rules_say(kubectl: Kubectl, cluster: Cluster) -> None:
    assert kubectl.out("auth", "can-i", "list", "pods") == "yes\n"
    assert (
        kubectl.out("auth", "can-i", "create", "pods", "--subresource=portforward", "-n", "team") == "yes\n"
    )
    cluster.access.deny("create", "pods/portforward", namespace="team")
    done = kubectl.run("auth", "can-i", "create", "pods", "--subresource=portforward", "-n", "team")
    assert (done.returncode, done.stdout) == (1, "no\n")


def test_raw_version_is_printed_as_it_is(kubectl: Kubectl, cluster: Cluster) -> None:
    assert json.loads(kubectl.out("get", "--raw", "/version")) == cluster.version
    assert kubectl.out("get", "--raw", "/readyz") == "ok"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("get pod nope -n team", 'Error from server (NotFound): pods "nope" not found'),
        (
            "get pods -n team",
            (
                'Error from server (Forbidden): pods is forbidden: User "stand-in-user" cannot list resource '
                '"pods" in API group "" in the namespace "team"'
            ),
        ),
        ("get secrets", 'error: the server doesn\'t have a resource type "secrets"'),
        ("top pods -n empty", "No resources found in empty namespace."),
    ],
)
def test_errors_read_as_those_of_a_real_cluster(
    kubectl: Kubectl, cluster: Cluster, arguments: str, expected: str
) -> None:
    cluster.access.deny("list", "pods", group="", namespace="team")
    assert kubectl.run(*arguments.split()).stderr.strip() == expected


def test_without_a_metrics_api_top_says_so(kubectl: Kubectl, cluster: Cluster) -> None:
    cluster.metrics = False
    assert kubectl.run("top", "pods", "-A").stderr.strip() == "error: Metrics API not available"


def test_kubectl_comes_back_after_too_many_requests(kubectl: Kubectl, cluster: Cluster) -> None:
    cluster.fault(Fault("/api/v1/pods$", status=429, retry_after_seconds=1))
    assert names(kubectl.out("get", "pods", "-A")) == ["d", "e", "a", "b", "c"]
    assert [e.status for e in cluster.requests if e.path == "/api/v1/pods"] == [429, 200]


def test_a_token_is_asked_for_and_given(cluster: Cluster, tmp_path: Path) -> None:
    cluster.access.tokens["right"] = "alice"
    with StandInCluster(cluster, https=True) as server:
        kubectl = Kubectl(server, tmp_path)
        assert names(kubectl.out("get", "pods", "-A"))
        cluster.access.tokens = {"other": "bob"}
        assert "You must be logged in to the server (Unauthorized)" in kubectl.run("get", "pods").stderr


def test_a_pod_is_created_from_a_file_and_deleted(kubectl: Kubectl, cluster: Cluster, tmp_path: Path) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "new", "namespace": "team"},
        "spec": {"containers": [{"name": "main", "image": "example/image"}]},
    }
    (tmp_path / "pod.json").write_text(json.dumps(pod))
    made = kubectl.out("create", "--validate=false", "-f", str(tmp_path / "pod.json"))
    assert made == "pod/new created\n"
    assert cluster.store.has(PODS, "team", "new")
    assert 'pod "new" deleted' in kubectl.out("delete", "pod", "new", "-n", "team", "--wait=false")
    assert not cluster.store.has(PODS, "team", "new")


SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web-svc, namespace: team, labels: {app: web}}
spec:
  type: NodePort
  selector: {app: web, tier: front}
  ports: [{name: http, port: 8080, targetPort: 8080}]
"""


def test_a_service_is_created_shown_and_deleted(kubectl: Kubectl, cluster: Cluster, tmp_path: Path) -> None:
    cluster.put(SERVICES, objects.service("team-b", "other", cluster_ip="10.96.0.11"))
    (tmp_path / "service.yaml").write_text(SERVICE)
    made = kubectl.out("create", "--validate=false", "-f", str(tmp_path / "service.yaml"))
    assert made == "service/web-svc created\n"
    lines = kubectl.out("get", "services", "-n", "team").splitlines()
    assert lines[0].split() == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"]
    assert lines[1].split()[:5] == ["web-svc", "NodePort", "10.96.0.12", "<none>", "8080:30000/TCP"]
    wide = kubectl.out("get", "svc", "-A", "-o", "wide", "-l", "app=web").splitlines()
    assert wide[0].split()[-2:] == ["AGE", "SELECTOR"]
    assert wide[1].split()[-1] == "app=web,tier=front"
    port = kubectl.out("get", "service/web-svc", "-n", "team", "-o", "jsonpath={.spec.ports[0].nodePort}")
    assert port == "30000"
    assert 'service "web-svc" deleted' in kubectl.out(
        "delete", "svc", "web-svc", "-n", "team", "--wait=false"
    )
    assert [found.namespace for found in cluster.store.all(SERVICES)] == ["team-b"]


class Forward:
    """A running `kubectl port-forward`; `port` is its local one."""

    def __init__(self, kubectl: Kubectl, remote: int) -> None:
        command = [KUBECTL or "", "-n", "team", "port-forward", "--address=127.0.0.1", "pod/a", f":{remote}"]
        self._process = children.Child(
            command, env=kubectl.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        first = self._process.line()
        found = re.search(r"127\.0\.0\.1:(\d+) ->", first)
        assert found is not None, first + self.stop()
        self.port = int(found[1])

    def get(self, path: str) -> bytes:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            client.request("GET", path)
            return client.getresponse().read()
        finally:
            client.close()

    def stop(self) -> str:
        self._process.terminate()
        return self._process.communicate()[1]


@pytest.fixture(params=["http", "https"])
def forwarded(
    request: pytest.FixtureRequest, cluster: Cluster, agent: tuple[str, int], tmp_path: Path
) -> Iterator[Kubectl]:
    cluster.forward("team", "a", 8080, to=agent)
    with StandInCluster(cluster, https=request.param == "https") as server:
        yield Kubectl(server, tmp_path)


def test_port_forward_reaches_a_real_server_again_and_again_and_at_once(forwarded: Kubectl) -> None:
    forward = Forward(forwarded, 8080)
    got: dict[str, bytes] = {}

    def fetch(path: str) -> None:
        got[path] = forward.get(path)

    try:
        fetch("/first/")
        threads = [threading.Thread(target=fetch, args=(f"/{index}/",)) for index in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        forward.stop()
    assert sorted(got) == ["/0/", "/1/", "/2/", "/3/", "/first/"]
    assert all(body == (path.encode() * 200_000)[:200_000] for path, body in got.items())


def test_port_forward_to_a_port_where_nothing_listens_says_why(forwarded: Kubectl) -> None:
    forward = Forward(forwarded, 9)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        forward.get("/")
    assert "error forwarding port 9 to pod" in (said := forward.stop())
    assert "connection refused" in said
