"""A stand-in for Kubernetes' agent-sandbox: its controller in a stand-in cluster, and its pods' runtime.

Made after what the package `k8s-agent-sandbox` 1.0.8 sends and reads. The controller serves the four kinds of
custom resource and answers a SandboxClaim by a Sandbox of the pool's template with its pod, whose name is not
the claim's, and by the claim's status. The runtime is asked through the router, which goes by X-Sandbox-ID:
/execute without a shell, /upload, /download, all below /app.
"""

import secrets
import shlex
import threading
from pathlib import Path
from typing import Any

from memcollect.testing.cluster import Cluster
from memcollect.testing.resources import PODS, Resource
from memcollect.testing.sandboxes.machine import Machine
from memcollect.testing.sandboxes.serving import Answer, Request, of_json

HOME = "/app"
_EXTENSIONS = "extensions.agents.x-k8s.io"
SANDBOXES = Resource("agents.x-k8s.io", "v1beta1", "sandboxes", "sandbox", "Sandbox", True, custom=True)
CLAIMS = Resource(_EXTENSIONS, "v1beta1", "sandboxclaims", "sandboxclaim", "SandboxClaim", True, custom=True)
TEMPLATES = Resource(
    _EXTENSIONS, "v1beta1", "sandboxtemplates", "sandboxtemplate", "SandboxTemplate", True, custom=True
)
POOLS = Resource(
    _EXTENSIONS, "v1beta1", "sandboxwarmpools", "sandboxwarmpool", "SandboxWarmPool", True, custom=True
)


class AgentSandbox:
    """The controller and the runtimes."""

    def __init__(self, directory: Path, cluster: Cluster) -> None:
        self.directory = directory
        self.cluster = cluster
        self.there: dict[str, Machine] = {}
        """By the name of the sandbox."""
        self._lock = threading.Lock()
        cluster.register(SANDBOXES, CLAIMS, TEMPLATES, POOLS)
        cluster.on_custom_created = self._created
        cluster.on_custom_deleted = self._deleted

    def pool(self, namespace: str, name: str, pod_spec: dict[str, Any]) -> None:
        """Make a template, and a warm pool of it."""
        template = {"podTemplate": {"spec": pod_spec}}
        named = {"name": name, "namespace": namespace}
        self.cluster.put(TEMPLATES, {"metadata": dict(named), "spec": template})
        spec = {"replicas": 1, "sandboxTemplateRef": {"name": name}}
        self.cluster.put(POOLS, {"metadata": dict(named), "spec": spec})

    def answer(self, request: Request) -> Answer:
        """Answer as the router does."""
        machine = self.there.get(request.headers.get("x-sandbox-id", ""))
        if machine is None:
            return of_json({"detail": "no such sandbox"}, 404)
        words = request.path.strip("/").split("/", 1)
        if words[0] == "execute":
            return _execute(machine, request.json())
        if words[0] == "upload":
            return _upload(machine, request)
        path = machine.path(words[1]) if words[0] == "download" and len(words) > 1 else None
        if path is None or not path.is_file():
            return of_json({"detail": "File not found"}, 404)
        return Answer(body=path.read_bytes(), content_type="application/octet-stream")

    def _created(self, resource: Resource, claim: dict[str, Any]) -> None:
        if resource != CLAIMS:
            return
        namespace, pool = claim["metadata"]["namespace"], claim["spec"]["warmPoolRef"]["name"]
        if not self.cluster.store.has(POOLS, namespace, pool):
            missing = _ready("False", "WarmPoolNotFound", f"SandboxWarmPool {pool} not found")
            self._status(claim, {"conditions": [missing]})
            return
        name = f"{pool}-{secrets.token_hex(3)}"
        spec = self.cluster.store.get(TEMPLATES, namespace, pool).decoded()["spec"]
        sandbox = {"metadata": {"name": name, "namespace": namespace}, "spec": spec}
        with self._lock:
            self.there[name] = Machine(self.directory / name, (HOME,))
        self.cluster.create(SANDBOXES, namespace, sandbox)
        self.cluster.create(PODS, namespace, {"metadata": {"name": name}, **spec["podTemplate"]})
        self._status(claim, {"sandbox": {"name": name}, "conditions": [_ready("True", "SandboxReady", "")]})

    def _deleted(self, resource: Resource, claim: dict[str, Any]) -> None:
        name = ((claim.get("status") or {}).get("sandbox") or {}).get("name")
        if resource != CLAIMS or not name:
            return
        namespace = claim["metadata"]["namespace"]
        self.cluster.store.remove(SANDBOXES, namespace, name)
        self.cluster.on_pod_deleted(self.cluster.store.remove(PODS, namespace, name).decoded())
        with self._lock:
            self.there.pop(name).remove()

    def _status(self, claim: dict[str, Any], status: dict[str, Any]) -> None:
        named = claim["metadata"]
        self.cluster.store.change(
            CLAIMS, named["namespace"], named["name"], lambda old: {**old, "status": status}
        )


def _ready(status: str, reason: str, message: str) -> dict[str, str]:
    return {"type": "Ready", "status": status, "reason": reason, "message": message}


def _execute(machine: Machine, asked: dict[str, Any]) -> Answer:
    words = shlex.split(asked["command"])
    line = words[2] if words[:2] == ["sh", "-c"] else shlex.join(words)
    ended = machine.run(line, None, asked.get("timeout_seconds"))
    return of_json(
        {
            "stdout": ended.stdout.decode("utf-8", "replace"),
            "stderr": ended.stderr.decode("utf-8", "replace"),
            "exit_code": 124 if ended.code is None else ended.code,
            "timed_out": ended.code is None,
        }
    )


def _upload(machine: Machine, request: Request) -> Answer:
    for _, name, data in request.files():
        path = machine.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return of_json({"message": "uploaded"})
