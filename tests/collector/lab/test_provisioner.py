"""The lab's provisioner over HTTP, before a cluster in memory."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3

from memcollect.lab.errors import LabError
from memcollect.lab.provisioner import Provisioner, Sandboxes
from memcollect.lab.sandboxes import API_KEY, HEAP_MIB, WORKER_MIB, WORKERS
from memcollect.testing import NAMESPACES, PODS, Cluster, objects

NAMESPACE = "deer-flow"


class Client:
    """Asks the provisioner; `deleted` are the pods it has told its node of."""

    def __init__(self, url: str, cluster: Cluster) -> None:
        self._url = url
        self._pool = urllib3.PoolManager()
        self._cluster = cluster
        self.deleted: list[str] = []
        cluster.on_pod_deleted = lambda pod: self.deleted.append(pod["metadata"]["name"])

    def ask(self, method: str, path: str, body: Any = None, key: str = API_KEY) -> int:
        headers = {"X-API-Key": key, "Content-Type": "application/json"}
        text = body if isinstance(body, str) else json.dumps(body)
        return int(self._pool.request(method, self._url + path, body=text, headers=headers).status)

    def make(self, sandbox: str, backend: str = "") -> int:
        return self.ask("POST", f"{backend}/api/sandboxes", {"sandbox_id": sandbox, "thread_id": sandbox})

    def pod(self, sandbox: str) -> dict[str, Any]:
        return self._cluster.store.get(PODS, NAMESPACE, f"sandbox-{sandbox}").decoded()


@pytest.fixture
def client() -> Iterator[Client]:
    cluster = Cluster()
    cluster.put(NAMESPACES, objects.namespace(NAMESPACE))
    with Provisioner(Sandboxes(cluster, NAMESPACE), port=0) as provisioner:
        yield Client(provisioner.url, cluster)


def test_a_sandbox_is_a_pod_as_deer_flow_makes_them(client: Client) -> None:
    assert client.make("a1") == 201
    pod = client.pod("a1")
    assert pod["metadata"]["labels"] == {"app": "deer-flow-sandbox", "sandbox-id": "a1"}
    (container,) = pod["spec"]["containers"]
    assert (container["name"], container["resources"]["limits"]["memory"]) == ("sandbox", "1Gi")
    assert container["volumeMounts"] == [{"name": "user-data", "mountPath": "/mnt/user-data"}]


def test_the_backends_differ_in_what_is_known_and_in_nothing_else(client: Client) -> None:
    client.make("one", "/disk")
    client.make("two", "/memory")
    one, two = client.pod("one")["spec"], client.pod("two")["spec"]
    assert one["containers"][0].pop("command")[-3:] == [str(HEAP_MIB), "0", str(WORKER_MIB)]
    assert two["containers"][0].pop("command")[-3:] == [str(HEAP_MIB), str(WORKERS), str(WORKER_MIB)]
    assert one["containers"] == two["containers"]
    assert [one["volumes"][0]["emptyDir"], two["volumes"][0]["emptyDir"]] == [{}, {"medium": "Memory"}]


def test_one_that_is_there_is_given_back_as_it_is_also_after_a_release(client: Client) -> None:
    client.make("a1")
    uid = client.pod("a1")["metadata"]["uid"]
    assert client.ask("POST", "/api/sandboxes/a1/release") == 200
    assert client.make("a1") == 200
    assert client.pod("a1")["metadata"]["uid"] == uid


def test_a_deletion_is_told_to_the_node_and_of_what_is_gone_it_is_not_found(client: Client) -> None:
    client.make("a1")
    assert client.ask("GET", "/api/sandboxes/a1") == 200
    assert client.ask("DELETE", "/memory/api/sandboxes/a1") == 200
    assert client.deleted == ["sandbox-a1"]
    assert [client.ask(method, "/api/sandboxes/a1") for method in ("DELETE", "GET")] == [404, 404]
    assert client.ask("POST", "/api/sandboxes/a1/release") == 404


@pytest.mark.parametrize("key", ["", "wrong"])
def test_without_the_key_nothing_is_done(client: Client, key: str) -> None:
    assert client.ask("POST", "/api/sandboxes", {"sandbox_id": "a1"}, key=key) == 401
    assert client.ask("GET", "/api/sandboxes/a1") == 404


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"sandbox_id": 7}', '{"sandbox_id": "../x"}'])
def test_a_body_that_names_no_sandbox_is_refused(client: Client, body: str) -> None:
    assert client.ask("POST", "/api/sandboxes", body) == 422


@pytest.mark.parametrize("path", ["/", "/api/other", "/nowhere/api/sandboxes", "/api/sandboxes/A B"])
def test_other_paths_are_not_found(client: Client, path: str) -> None:
    assert client.ask("GET", path) == 404


def test_a_port_that_is_used_is_one_sentence() -> None:
    sandboxes = Sandboxes(Cluster(), NAMESPACE)
    with Provisioner(sandboxes, port=0) as other:
        port = int(other.url.rpartition(":")[2])
        with pytest.raises(LabError, match=f"needs port {port} of the loopback"):
            Provisioner(sandboxes, port=port)
