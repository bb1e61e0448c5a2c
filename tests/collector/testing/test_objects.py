"""Objects that are made up: the official client's models take them."""

from pathlib import Path
from typing import Any

import kubernetes
import pytest

from memcollect.testing import (
    DAEMONSETS,
    NAMESPACES,
    NODES,
    PODS,
    RUNTIME_CLASSES,
    SERVICES,
    StandInCluster,
    objects,
)
from memcollect.testing.resources import Resource


@pytest.mark.parametrize(
    ("resource", "api", "made"),
    [
        (PODS, "CoreV1Api", objects.pod("team", "a", node="n", labels={"x": "y"}, runtime_class="gvisor")),
        (PODS, "CoreV1Api", objects.pod("team", "a", phase="Pending", containers=("one", "two"))),
        (NODES, "CoreV1Api", objects.node("n")),
        (NAMESPACES, "CoreV1Api", objects.namespace("team")),
        (SERVICES, "CoreV1Api", objects.service("team", "web", cluster_ip="10.96.0.20")),
        (
            SERVICES,
            "CoreV1Api",
            objects.service(
                "team",
                "web",
                cluster_ip="10.96.0.20",
                port=8080,
                node_port=30080,
                selector={"app": "web"},
                labels={"app": "web"},
            ),
        ),
        (DAEMONSETS, "AppsV1Api", objects.daemon_set("team", "agent", desired=3, ready=2)),
        (RUNTIME_CLASSES, "NodeV1Api", objects.runtime_class("gvisor", "runsc")),
    ],
)
def test_made_objects_are_valid_and_survive_the_official_models(
    resource: Resource, api: str, made: dict[str, Any], tmp_path: Path
) -> None:
    with StandInCluster() as server:
        server.state.put(resource, made)
        client: Any = kubernetes.config.new_client_from_config(str(server.kubeconfig(tmp_path / "config")))
        kind = {"RuntimeClass": "runtime_class", "DaemonSet": "daemon_set"}.get(
            resource.kind, resource.singular
        )
        scope = "namespaced_" if resource.namespaced else ""
        read = getattr(getattr(kubernetes.client, api)(client), f"read_{scope}{kind}")
        where = ("team",) if resource.namespaced else ()
        parsed = client.sanitize_for_serialization(read(made["metadata"]["name"], *where))
        client.rest_client.pool_manager.clear()
    assert (parsed.pop("kind"), parsed.pop("apiVersion")) == (resource.kind, resource.group_version)
    assert parsed["metadata"].pop("resourceVersion")
    assert parsed == _as_printed(made)


def _as_printed(made: Any) -> Any:
    """The same with times as the client prints them."""
    if isinstance(made, dict):
        return {key: _as_printed(value) for key, value in made.items()}
    if isinstance(made, list):
        return [_as_printed(value) for value in made]
    return made.replace("00Z", "00+00:00") if isinstance(made, str) else made


@pytest.mark.parametrize(
    ("size", "expected"), [(0, "0"), (1024, "1Ki"), (1025, "1025"), (1 << 30, "1048576Ki")]
)
def test_sizes_are_written_as_metrics_server_does(size: int, expected: str) -> None:
    assert objects.quantity(size) == expected


def test_a_container_id_is_there_once_the_container_runs() -> None:
    running = objects.pod("team", "a", uid="u")["status"]["containerStatuses"][0]
    pending = objects.pod("team", "a", uid="u", phase="Pending")["status"]["containerStatuses"][0]
    assert running["containerID"] == "containerd://u-main"
    assert "containerID" not in pending
