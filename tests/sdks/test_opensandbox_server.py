"""OpenSandbox's own server with its Kubernetes runtime, as it is, on the stand-in API server.

The controller's part is ours: a BatchSandbox that was made has a pod, which is ready.
"""

import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3

from memcollect.testing import NAMESPACES, PODS, Cluster, StandInCluster, objects
from memcollect.testing.resources import Resource
from sdks.conftest import Installed
from worlds.children import Child
from worlds.waiting import PATIENCE, wait_until

NAMESPACE = "opensandbox"
SANDBOXES = Resource(
    *("sandbox.opensandbox.io", "v1alpha1", "batchsandboxes", "batchsandbox", "BatchSandbox", True),
    custom=True,
)
CONFIGURATION = """[server]
host = "127.0.0.1"
port = {port}
api_key = "k3y"
[runtime]
type = "kubernetes"
execd_image = "opensandbox/execd"
[store]
type = "sqlite"
path = "{directory}/server.db"
[kubernetes]
kubeconfig_path = "{directory}/kubeconfig"
namespace = "opensandbox"
workload_provider = "batchsandbox"
"""
WANTED = {
    "image": {"uri": "python:3.13"},
    "entrypoint": ["tail", "-f", "/dev/null"],
    "timeout": 600,
    "resourceLimits": {"cpu": "500m", "memory": "512Mi"},
    "metadata": {"memcollect-run": "mc-0123456789"},
}


@dataclass
class World:
    """The cluster, and where the server is."""

    cluster: Cluster
    url: str

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"OPEN-SANDBOX-API-KEY": "k3y"}
        answer = urllib3.request(
            method,
            f"{self.url}/v1/sandboxes{path}",
            json=body,
            headers=headers,
            timeout=PATIENCE,
            retries=False,
        )
        return answer.status, answer.json() if answer.data else None

    def state(self, name: str) -> str:
        return str(self.ask("GET", f"/{name}")[1]["status"]["state"])

    def sandbox(self) -> dict[str, Any]:
        (found,) = self.cluster.store.all(SANDBOXES)
        return found.decoded()


def controlled(cluster: Cluster) -> None:
    """Let each BatchSandbox have a pod, as long as it is there."""

    def created(_resource: Resource, made: dict[str, Any]) -> None:
        name, pod = made["metadata"]["name"], made["spec"]["template"]
        cluster.create(PODS, NAMESPACE, {**pod, "metadata": {**pod["metadata"], "name": name}})
        endpoints = {"sandbox.opensandbox.io/endpoints": '["10.0.0.9"]'}

        def ready(old: dict[str, Any]) -> dict[str, Any]:
            noted = {
                **old["metadata"],
                "annotations": {**old["metadata"].get("annotations", {}), **endpoints},
            }
            return {
                **old,
                "metadata": noted,
                "status": {"phase": "Succeed", "replicas": 1, "ready": 1, "allocated": 1},
            }

        cluster.store.change(SANDBOXES, NAMESPACE, name, ready)

    def deleted(_resource: Resource, gone: dict[str, Any]) -> None:
        cluster.store.remove(PODS, NAMESPACE, gone["metadata"]["name"])

    cluster.register(SANDBOXES)
    cluster.on_custom_created, cluster.on_custom_deleted = created, deleted


@pytest.fixture
def world(tmp_path: Path, installed: Installed) -> Iterator[World]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (tmp_path / "server.toml").write_text(CONFIGURATION.format(port=port, directory=tmp_path))
    cluster = Cluster()
    cluster.put(NAMESPACES, objects.namespace(NAMESPACE))
    controlled(cluster)
    command = [
        *("env", f"PYTHONPATH={installed('opensandbox-server')}", sys.executable),
        *("-c", "from opensandbox_server.cli import main; main()", "--config", str(tmp_path / "server.toml")),
    ]
    with StandInCluster(cluster) as server:
        server.kubeconfig(tmp_path / "kubeconfig")
        with (tmp_path / "log").open("w") as log, Child(command, stdout=log, stderr=subprocess.STDOUT):
            wait_until(lambda: _listens(port), 3 * PATIENCE)
            yield World(cluster, f"http://127.0.0.1:{port}")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_sandbox_is_made_told_of_paused_and_deleted(world: World) -> None:
    status, made = world.ask("POST", "", WANTED)
    assert status == 202, made
    wait_until(lambda: world.state(made["id"]) == "Running")
    (pod,) = world.cluster.store.all(PODS)
    labels = pod.decoded()["metadata"]["labels"]
    assert (labels["opensandbox.io/id"], labels["memcollect-run"]) == (made["id"], "mc-0123456789")
    _, listed = world.ask("GET", "?metadata=memcollect-run%3Dmc-0123456789")
    assert [each["id"] for each in listed["items"]] == [made["id"]]
    assert world.ask("POST", f"/{made['id']}/pause")[0] == 202
    assert world.sandbox()["spec"]["pause"] is True
    assert world.ask("DELETE", f"/{made['id']}")[0] == 204
    wait_until(lambda: not [*world.cluster.store.all(SANDBOXES), *world.cluster.store.all(PODS)])
