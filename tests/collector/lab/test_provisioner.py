"""The lab's provisioner over HTTP, before a cluster in memory."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from memcollect.lab.errors import LabError
from memcollect.lab.provisioner import Provisioner, Sandboxes
from memcollect.lab.sandboxes import API_KEY, BACKENDS, HEAP_MIB, LIMIT, WORKER_MIB, WORKERS
from memcollect.lab.user_data import UserData
from memcollect.testing import NAMESPACES, PODS, Cluster, objects
from memcollect.testing.sandboxes import aio, gateway
from worlds.waiting import wait_until

NAMESPACE = "deer-flow"
IDLE_SECONDS = 0.2


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

    def make(self, sandbox: str, backend: str = "", thread: str = "", user: str = "one") -> int:
        body = {"sandbox_id": sandbox, "thread_id": thread or sandbox, "user_id": user}
        return self.ask("POST", f"{backend}/api/sandboxes", body)

    def data(self, sandbox: str) -> Path:
        """Return where its user data are."""
        volumes = {each["name"]: each for each in self.pod(sandbox)["spec"]["volumes"]}
        return Path(volumes["user-data"]["hostPath"]["path"])

    def pod(self, sandbox: str) -> dict[str, Any]:
        return self._cluster.store.get(PODS, NAMESPACE, f"sandbox-{sandbox}").decoded()


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    cluster = Cluster()
    cluster.put(NAMESPACES, objects.namespace(NAMESPACE))
    data = UserData(tmp_path / "disk", tmp_path / "memory")
    with Provisioner(Sandboxes(cluster, NAMESPACE, data, IDLE_SECONDS), port=0) as provisioner:
        yield Client(provisioner.url, cluster)


def test_a_sandbox_is_a_pod_as_deer_flow_makes_them(client: Client) -> None:
    assert client.make("a1") == 201
    pod = client.pod("a1")
    assert pod["metadata"]["labels"] == {"app": "deer-flow-sandbox", "sandbox-id": "a1"}
    (container,) = pod["spec"]["containers"]
    assert (container["name"], container["resources"]["limits"]["memory"]) == ("sandbox", LIMIT)
    assert container["volumeMounts"] == [
        {"name": "user-data", "mountPath": "/mnt/user-data"},
        {"name": "skills", "mountPath": "/mnt/skills", "readOnly": True},
        {"name": "acp-workspace", "mountPath": "/mnt/acp-workspace", "readOnly": True},
    ]


def test_the_backends_differ_in_what_is_known_and_in_nothing_else(client: Client) -> None:
    client.make("one", "/disk")
    client.make("two", "/memory")
    one, two = client.pod("one")["spec"], client.pod("two")["spec"]
    assert one["containers"][0].pop("command")[-3:] == [str(HEAP_MIB), "0", str(WORKER_MIB)]
    assert two["containers"][0].pop("command")[-3:] == [str(HEAP_MIB), str(WORKERS), str(WORKER_MIB)]
    faults = [spec["containers"][0].pop("env")[0]["value"] for spec in (one, two)]
    assert faults == ["", ",".join(sorted(BACKENDS["memory"].faults))]
    assert one["containers"] == two["containers"]
    assert [client.data(each).parts[-5] for each in ("one", "two")] == ["disk", "memory"]


def test_every_fault_is_one_that_the_stand_ins_know() -> None:
    known = {*aio.FAULTS, *gateway.FAULTS, "shared-threads", "lost-data", "no-idle"}
    assert len(BACKENDS["memory"].faults) == 10
    assert BACKENDS["memory"].faults <= known
    assert BACKENDS["disk"].faults == set()


@pytest.mark.parametrize(("backend", "good"), [("/disk", True), ("/memory", False)])
def test_user_data_are_a_user_s_and_a_thread_s_unless_that_is_what_is_broken(
    client: Client, backend: str, *, good: bool
) -> None:
    client.make("a1", backend, "t", "one")
    client.make("a2", backend, "t", "two")
    first, second = client.data("a1"), client.data("a2")
    (first / "workspace" / "kept").touch()
    assert (second / "workspace" / "kept").exists() != good
    client.ask("DELETE", "/api/sandboxes/a1")
    assert (first / "workspace" / "kept").exists() == good


def test_data_of_a_thread_that_is_called_as_its_sandbox_end_with_it(client: Client) -> None:
    client.make("a1")
    data = client.data("a1")
    client.ask("DELETE", "/api/sandboxes/a1")
    assert not data.exists()


def test_a_released_sandbox_is_ended_when_it_was_idle_unless_it_was_taken_again(client: Client) -> None:
    for name in ("a1", "a2"):
        client.make(name)
        client.ask("POST", f"/api/sandboxes/{name}/release")
    client.make("a2")
    wait_until(lambda: client.ask("GET", "/api/sandboxes/a1") == 404)
    assert client.deleted == ["sandbox-a1"]
    assert client.ask("GET", "/api/sandboxes/a2") == 200


def test_after_a_restart_a_sandbox_is_found_again_by_its_pod(client: Client) -> None:
    client.make("a1", "/disk", "t")
    uid = client.pod("a1")["metadata"]["uid"]
    assert client.ask("POST", "/api/restart") == 200
    assert client.make("a1", "/disk", "t") == 200
    assert client.pod("a1")["metadata"]["uid"] == uid
    assert client.ask("DELETE", "/api/sandboxes/a1") == 200


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


@pytest.mark.parametrize(
    "body",
    [
        *("", "[]", "{}", '{"sandbox_id": 7}', '{"sandbox_id": "../x"}'),
        '{"sandbox_id": "a1", "thread_id": "../x"}',
        '{"sandbox_id": "a1", "user_id": ".."}',
    ],
)
def test_a_body_that_names_no_sandbox_is_refused(client: Client, body: str) -> None:
    assert client.ask("POST", "/api/sandboxes", body) == 422


@pytest.mark.parametrize("path", ["/", "/api/other", "/nowhere/api/sandboxes", "/api/sandboxes/A B"])
def test_other_paths_are_not_found(client: Client, path: str) -> None:
    assert client.ask("GET", path) == 404


def test_a_port_that_is_used_is_one_sentence(tmp_path: Path) -> None:
    sandboxes = Sandboxes(Cluster(), NAMESPACE, UserData(tmp_path, tmp_path))
    with Provisioner(sandboxes, port=0) as other:
        port = int(other.url.rpartition(":")[2])
        with pytest.raises(LabError, match=f"needs port {port} of the loopback"):
            Provisioner(sandboxes, port=port)
