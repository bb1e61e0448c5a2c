"""Pods whose memory is known by construction, run from the agent's own image, which every node has.

Every level of Pod Security admits them.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

MIB = 1 << 20
READY = "'/dev/shm/ready-' + sys.argv[1]"
"""By the container's name: all containers of a pod have one /dev/shm, and the image has no place to write."""
PROBE = f"import os, sys; sys.exit(not os.path.exists({READY}))"
LABEL = "memcollect-test"
"""Of all that the tests make: its value is their namespace."""
HOLDING = f"""
import os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
def hold(mib):
    return bytearray(b"x") * (mib * {MIB})
def write(path, mib):
    with open(path, "wb") as file:
        for _ in range(mib):
            file.write(b"x" * {MIB})
def stay():
    open({READY}, "w").close()
    while True:
        signal.pause()
"""
"""What every program begins with."""
Json = dict[str, Any]
_CONDITIONS = "node.kubernetes.io/"
"""Taints that Kubernetes itself sets on a node that is not well."""


class Placement(Struct, frozen=True):
    """Where pods may run: on a node whose agent is ready, and among such an untainted one if there is any."""

    nodes: list[str]
    """[]: any node, since which there are may not be asked."""
    tolerations: list[Json] = []


class Kit(Struct, frozen=True):
    """What the pods of one run have in common."""

    namespace: str
    image: str
    interpreter: list[str]
    """How the image's Python is started, "-I" and the like included."""
    placement: Placement

    def container(self, name: str, program: str, **more: Any) -> Json:
        """Return a container that runs a Python program, ready once the program stays."""
        return {
            "name": name,
            "image": self.image,
            "imagePullPolicy": "IfNotPresent",
            "command": [*self.interpreter, "-c", HOLDING + program, name],
            "startupProbe": self._probe(name),
            "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            **more,
        }

    def ending(self, name: str, program: str, **more: Any) -> Json:
        """Return a container that has no state of being ready: an init container, or an ephemeral one."""
        made = self.container(name, program, **more)
        del made["startupProbe"]
        return made

    def sidecar(self, name: str, program: str) -> Json:
        """Return an init container that goes on; the next one waits until its program stays."""
        return self.container(name, program, restartPolicy="Always")

    def pod(self, name: str, *containers: Json, **spec: Any) -> Json:
        """Return a pod of these containers."""
        placed: Json = {"tolerations": self.placement.tolerations} if self.placement.tolerations else {}
        if self.placement.nodes:
            field = {"key": "metadata.name", "operator": "In", "values": self.placement.nodes}
            # Its fields match one value each, so each node is a term of its own.
            terms = [{"matchFields": [{**field, "values": [each]}]} for each in self.placement.nodes]
            required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
            placed["affinity"] = {"nodeAffinity": required}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": self.namespace, "labels": {LABEL: self.namespace}},
            "spec": {
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "terminationGracePeriodSeconds": 5,
                "nodeSelector": {"kubernetes.io/os": "linux"},
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 65534,
                    "runAsGroup": 65534,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                **placed,
                "containers": list(containers),
                **spec,
            },
        }

    def _probe(self, name: str) -> Json:
        # Of starts alone: one that goes on would cost a slow node a Python every so often.
        command = {"command": [*self.interpreter, "-c", PROBE, name]}
        return {"exec": command, "periodSeconds": 2, "timeoutSeconds": 20, "failureThreshold": 60}


def placement(nodes: Sequence[Json] | None, agents: Sequence[Json]) -> Placement:
    """Return where the pods of a test may run, from the cluster's nodes (None: not known) and the agents."""
    if nodes is None:
        return Placement([])
    measured = {each["spec"].get("nodeName") for each in agents if _holds(each, "Ready")}
    fit = [each for each in nodes if each["metadata"]["name"] in measured and _is_open(each)]
    free = [each for each in fit if not _taints(each)]
    chosen = free or fit
    taints = {(each["key"], each["effect"]) for node in chosen for each in _taints(node)}
    return Placement(
        sorted(each["metadata"]["name"] for each in chosen),
        [{"key": key, "operator": "Exists", "effect": effect} for key, effect in sorted(taints)],
    )


def _is_open(node: Json) -> bool:
    unwell = any(each["key"].startswith(_CONDITIONS) for each in _taints(node))
    return _holds(node, "Ready") and not node.get("spec", {}).get("unschedulable") and not unwell


def _holds(item: Json, condition: str) -> bool:
    conditions = item.get("status", {}).get("conditions") or []
    return any(each["type"] == condition and each["status"] == "True" for each in conditions)


def _taints(node: Json) -> list[Json]:
    taints: list[Json] = node.get("spec", {}).get("taints") or []
    return [each for each in taints if each["effect"] != "PreferNoSchedule"]
