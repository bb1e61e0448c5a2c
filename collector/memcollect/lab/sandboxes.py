"""The sandboxes of the lab's provisioner: like DeerFlow's, in two ways that differ in known amounts. Pure.

One of the two is broken in ten known ways, for evidence to find; no fault touches what a sandbox weighs.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

PROGRAM = ("/srv/python3", "-I", "-S", "/srv/sandbox.py")
"""Of every sandbox's image; see memcollect.lab.sandbox for its arguments."""
API_KEY = "the-lab-has-no-secrets"
IMAGE = "memcollect-lab/sandbox:1"
HEAP_MIB, WORKERS, WORKER_MIB = 4, 2, 3
"""Of a sandbox's own program: its heap, and what each of the forking backend's workers has of its own."""
LIMIT = "1Gi"
"""As DeerFlow's. With a quarter of it, evidence's file of 50 MiB was not written within seven minutes."""
PORT = 8080
"""Of a sandbox's interface."""
FAULTS = "LAB_FAULTS"
"""Of the environment: what is wrong with a sandbox's interface, by the names of testing.sandboxes.aio."""
SHARED = ("skills", "acp-workspace")
"""What all sandboxes see below /mnt, read-only."""
GATEWAY_PORTS = {"disk": 8001, "memory": 8003}
"""One for each backend; the first is DeerFlow's own."""
USER = "memcollect-one"
"""Whose data the gateway serves, as if this user had signed in to it."""
IDLE_SECONDS = 20.0
"""After so long a released sandbox is ended: four times what the guide leaves one released."""


class Backend(Struct, frozen=True, kw_only=True):
    """A way of making the same sandbox."""

    workers: int
    """Forked from the first process."""
    in_memory: bool
    """Whether user data are in a tmpfs."""
    faults: frozenset[str] = frozenset()
    """Of the stand-ins for the interface (testing.sandboxes.aio) and the gateway, and of the provisioner."""


BACKENDS: Mapping[str, Backend] = {
    "disk": Backend(workers=0, in_memory=False),
    "memory": Backend(
        workers=WORKERS,
        in_memory=True,
        faults=frozenset(
            {
                *("lost-exit-codes", "kept-timed-out", "silent-cut", "lost-stderr", "empty-for-missing"),
                *("uploads-at-creation", "artifacts-at-release"),
                *("shared-threads", "lost-data", "no-idle"),
            }
        ),
    ),
}


def manifest(
    namespace: str, sandbox: str, backend: Backend, directories: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the Pod of a sandbox; names, labels and requests are those of DeerFlow's provisioner.

    `directories` are those of the node that it sees below /mnt: "user-data", and the shared ones; without
    them its user data are its own, and end with it.
    """
    volumes: dict[str, dict[str, Any]] = {
        name: {"hostPath": {"path": path}} for name, path in (directories or {}).items()
    }
    if not volumes:
        volumes["user-data"] = {"emptyDir": {"medium": "Memory"} if backend.in_memory else {}}
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
                    "command": [*PROGRAM, str(HEAP_MIB), str(backend.workers), str(WORKER_MIB)],
                    "env": [{"name": FAULTS, "value": ",".join(sorted(backend.faults))}],
                    "readinessProbe": {"httpGet": {"path": "/v1/sandbox", "port": PORT}},
                    "resources": {
                        "requests": {"cpu": "100m", "memory": "256Mi"},
                        "limits": {"cpu": "1", "memory": LIMIT},
                    },
                    "volumeMounts": [_mount(name) for name in volumes],
                }
            ],
            "volumes": [{"name": name, **source} for name, source in volumes.items()],
        },
    }


def _mount(name: str) -> dict[str, Any]:
    mount: dict[str, Any] = {"name": name, "mountPath": f"/mnt/{name}"}
    return {**mount, "readOnly": True} if name in SHARED else mount
