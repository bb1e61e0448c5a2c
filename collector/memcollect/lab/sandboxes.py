"""The sandboxes of the lab's provisioner: like DeerFlow's, in two ways that differ in known amounts. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from memcollect.lab.container import PROGRAM

API_KEY = "the-lab-has-no-secrets"
IMAGE = "memcollect-lab/sandbox:1"
HEAP_MIB, WORKERS, WORKER_MIB = 4, 2, 3
"""Of a sandbox's own program: its heap, and what each of the forking backend's workers has of its own."""

Backend = Callable[[], dict[str, Any]]
"""Makes what differs between backends of a pod's spec: command and volumes."""


def disk() -> dict[str, Any]:
    """User data on the disk, one process."""
    return {"command": _command(0), "emptyDir": {}}


def memory() -> dict[str, Any]:
    """User data in a tmpfs, and workers forked from the first process."""
    return {"command": _command(WORKERS), "emptyDir": {"medium": "Memory"}}


BACKENDS: Mapping[str, Backend] = {"disk": disk, "memory": memory}


def _command(workers: int) -> list[str]:
    return [*PROGRAM, str(HEAP_MIB), str(workers), str(WORKER_MIB)]


def manifest(namespace: str, sandbox: str, backend: Mapping[str, Any]) -> dict[str, Any]:
    """Return the Pod of a sandbox; names, labels, requests and limits are those of DeerFlow's provisioner."""
    return {
        "metadata": {
            "name": f"sandbox-{sandbox}",
            "namespace": namespace,
            "labels": {"app": "deer-flow-sandbox", "sandbox-id": sandbox},
        },
        "spec": {
            "containers": [
                {
                    "name": "sandbox",
                    "image": IMAGE,
                    "command": backend["command"],
                    "readinessProbe": {"httpGet": {"path": "/v1/sandbox", "port": 8080}},
                    "resources": {
                        "requests": {"cpu": "100m", "memory": "256Mi"},
                        "limits": {"cpu": "1", "memory": "1Gi"},
                    },
                    "volumeMounts": [{"name": "user-data", "mountPath": "/mnt/user-data"}],
                }
            ],
            "volumes": [{"name": "user-data", "emptyDir": backend["emptyDir"]}],
        },
    }
