"""A pod whose memory is known by construction, run from the agent's own image, which every node has."""

from typing import Any

from msgspec import Struct

MIB = 1 << 20
ANON_BYTES = 48 * MIB
SHMEM_BYTES = 24 * MIB
READY = "/dev/shm/ready"
PRIVATE = "/dev/shm/private"
HELD = f"{PRIVATE}/held"
"""In a directory that only the pod's own user may list."""
POD, CONTAINER = "known", "tenant"

PROGRAM = f"""
import os, signal, sys
held = bytearray(b"x") * {ANON_BYTES}
os.mkdir("{PRIVATE}", 0o700)
with open("{HELD}", "wb") as file:
    for _ in range({SHMEM_BYTES // MIB}):
        file.write(b"x" * {MIB})
open("{READY}", "w").close()
signal.pause()
"""
PROBE = f"import os, sys; sys.exit(not os.path.exists('{READY}'))"


class Interpreter(Struct, frozen=True):
    """How a Python is started in an image, "-I" and the like included."""

    image: str
    command: list[str]


def interpreter_of(agents: dict[str, Any]) -> Interpreter:
    """Return the Python of the image that the agents' DaemonSet runs."""
    (container,) = agents["spec"]["template"]["spec"]["containers"]
    return Interpreter(container["image"], ["/opt/memcollect/bin/python", "-I"])


def pod(namespace: str, interpreter: Interpreter) -> dict[str, Any]:
    """Return the pod, one that every level of Pod Security admits."""
    container = {
        "name": CONTAINER,
        "image": interpreter.image,
        "imagePullPolicy": "IfNotPresent",
        "command": [*interpreter.command, "-c", PROGRAM],
        "readinessProbe": {
            "exec": {"command": [*interpreter.command, "-c", PROBE]},
            "periodSeconds": 2,
            "timeoutSeconds": 10,
        },
        "resources": {"requests": {"cpu": "10m", "memory": "96Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": POD, "namespace": namespace, "labels": {"app": "memcollect-test"}},
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "nodeSelector": {"kubernetes.io/os": "linux"},
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65534,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
        },
    }
