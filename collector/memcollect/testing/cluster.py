"""The state behind the stand-in: objects, rights, faults, where port-forwards lead, and what was asked."""

import contextlib
import datetime as dt
import hashlib
import json
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from memcollect.testing import failures, objects, services
from memcollect.testing.access import Access
from memcollect.testing.faults import Fault, FaultScript
from memcollect.testing.request_log import RequestLog
from memcollect.testing.resources import (
    DAEMONSETS,
    DEFINITIONS,
    NAMESPACES,
    NODE_METRICS,
    NODES,
    POD_METRICS,
    PODS,
    RESOURCES,
    RUNTIME_CLASSES,
    SERVICES,
    Resource,
    defined,
)
from memcollect.testing.store import Store, Stored

OnExec = Callable[[dict[str, Any], str, list[str]], Sequence[str]]
"""(pod, container, command) -> the program that is run in its place, with its arguments."""
OnDial = Callable[[str, str, int], tuple[str, int] | None]
"""(namespace, pod, port) -> where a port-forward leads that `forward` says nothing of."""
OnSubresource = Callable[[str, str, dict[str, Any]], dict[str, Any]]
"""(namespace, name, what was sent) -> the answer; may raise ApiError."""
RECORDED = (
    ("pods.json", PODS),
    ("nodes.json", NODES),
    ("podmetrics.json", POD_METRICS),
    ("nodemetrics.json", NODE_METRICS),
    ("runtimeclasses.json", RUNTIME_CLASSES),
    ("daemonsets.json", DAEMONSETS),
)
"""Which file of a recording holds which objects."""
VERSION = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": "v1.36.2",
    "gitCommit": "98b35193b2ac7a23a673325f5e9b830ecd5ba406",
    "gitTreeState": "clean",
    "buildDate": "2026-07-22T00:00:00Z",
    "goVersion": "go1.26.10",
    "compiler": "gc",
    "platform": "linux/amd64",
}


def _now() -> dt.datetime:
    return dt.datetime.now(tz=dt.UTC)


def _named(document: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata of a new object, with a name made up where only the beginning is given."""
    metadata: dict[str, Any] = document.setdefault("metadata", {})
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = metadata["generateName"] + uuid.uuid4().hex[:5]
    return metadata


class Cluster:
    """A cluster in memory; everything may be changed while it is being served.

    `clock` says the present, for ages in tables and for new objects. `metrics` False takes the metrics
    API out of discovery, as in a cluster without metrics-server. `on_pod_created` is called with each pod
    that a client creates, before it is stored, and may fill in what a scheduler and a kubelet would;
    `on_pod_deleted` with each that was taken out. `on_exec` says which program of this machine stands for
    a command in a container of a pod, or raises ExecRefusedError; where it is None nothing can be run.
    `on_dial` says where a port-forward leads that `forward` was told nothing of.
    """

    def __init__(self, clock: Callable[[], dt.datetime] = _now) -> None:
        self.store = Store()
        self.access = Access()
        self.faults = FaultScript()
        self.requests = RequestLog()
        self.version: dict[str, str] = dict(VERSION)
        self.metrics = True
        self.clock = clock
        self.on_pod_created: Callable[[dict[str, Any]], None] = lambda _pod: None
        self.on_pod_deleted: Callable[[dict[str, Any]], None] = lambda _pod: None
        self.on_exec: OnExec | None = None
        self.on_dial: OnDial = lambda _namespace, _pod, _port: None
        self.subresources: dict[tuple[Resource, str], OnSubresource] = {}
        """What answers POST and PUT to a subresource that is not served here."""
        self.bookmark_seconds = 60.0
        """Between two bookmarks of a watch that allows them."""
        self.on_custom_created: Callable[[Resource, dict[str, Any]], None] = lambda _resource, _object: None
        """Called with each custom resource that a client has made, once it is stored: a controller's part."""
        self.on_custom_deleted: Callable[[Resource, dict[str, Any]], None] = lambda _resource, _object: None
        self._custom: tuple[Resource, ...] = ()
        self._backends: dict[tuple[str, str, int], tuple[str, int]] = {}
        self._lock = threading.Lock()
        self._allocating = threading.Lock()

    @classmethod
    def from_recording(cls, folder: str | Path) -> Self:
        """Return a cluster of the objects recorded in `folder`.

        Reads the files that RECORDED names: lists as an API server or `kubectl get -o json` prints them.
        A file that is not there is an empty list.
        """
        cluster = cls()
        for file_name, resource in RECORDED:
            path = Path(folder) / file_name
            if path.exists():
                for item in json.loads(path.read_bytes())["items"]:
                    cluster.put(resource, item)
        return cluster

    @property
    def served(self) -> tuple[Resource, ...]:
        """What the API has now, custom resources too."""
        with self._lock:
            known = (*RESOURCES, *self._custom)
        return known if self.metrics else tuple(each for each in known if each.group != POD_METRICS.group)

    def register(self, *custom: Resource) -> None:
        """Serve these from now on, as a CustomResourceDefinition that a client creates does."""
        with self._lock:
            self._custom = tuple(dict.fromkeys([*self._custom, *custom]))

    def forget(self, custom: Resource) -> None:
        """Serve it no more, and take all of it out, as its definition's deletion does."""
        with self._lock:
            self._custom = tuple(each for each in self._custom if each != custom)
        for found in self.store.all(custom):
            self.store.remove(custom, found.namespace, found.fields["metadata.name"])

    def put(self, resource: Resource, document: Mapping[str, Any]) -> None:
        """Add or replace an object; the namespace it is in comes into being with it."""
        if resource.namespaced:
            namespace = document["metadata"]["namespace"]
            if not self.store.has(NAMESPACES, "", namespace):
                self.store.put(NAMESPACES, objects.namespace(namespace))
        self.store.put(resource, document)

    def empty(self, namespace: str) -> None:
        """Take everything out of a namespace that a client can have made in it, as its deletion does."""
        for resource in (PODS, SERVICES):
            for found in self.store.all(resource):
                if found.namespace == namespace:
                    self.store.remove(resource, namespace, found.fields["metadata.name"])

    def remove(self, resource: Resource, name: str, namespace: str = "") -> None:
        """Take an object out. Raises ApiError (404)."""
        self.store.remove(resource, namespace, name)

    def fault(self, *faults: Fault) -> None:
        """Let these things go wrong from now on."""
        self.faults.add(*faults)

    def forward(self, namespace: str, pod: str, port: int, to: tuple[str, int]) -> None:
        """Let port-forwards to `port` of the pod reach the TCP address `to`, for example an agent's."""
        with self._lock:
            self._backends[namespace, pod, port] = to

    def forward_only(self, forwards: Iterable[tuple[str, str, int, tuple[str, int]]]) -> None:
        """Let these be the only port-forwards: (namespace, pod, port, address) each."""
        with self._lock:
            self._backends = {(namespace, pod, port): to for namespace, pod, port, to in forwards}

    def backend(self, namespace: str, pod: str, port: int) -> tuple[str, int] | None:
        """Return where a port-forward leads, None when nothing listens on that port."""
        with self._lock:
            found = self._backends.get((namespace, pod, port))
        return found or self.on_dial(namespace, pod, port)

    @staticmethod
    def sandbox(namespace: str, pod: str) -> str:
        """Return the id that the pod's sandbox has in error messages: 64 hexadecimal digits."""
        return hashlib.sha256(f"{namespace}/{pod}".encode()).hexdigest()

    def timestamp(self) -> str:
        """Return the present as objects carry it."""
        return self.clock().strftime("%Y-%m-%dT%H:%M:%SZ")

    def create(self, resource: Resource, namespace: str, document: dict[str, Any]) -> Stored:
        """Admit and store an object for a client. Raises ApiError (400, 404, 409, 422)."""
        name = _named(document).get("name")
        if not isinstance(name, str) or not name:
            raise failures.bad_request("name or generateName is required")
        if resource.namespaced and not self.store.has(NAMESPACES, "", namespace):
            raise failures.not_found(NAMESPACES, namespace)
        # What one Service gets must be stored before the next one looks for what is free.
        with self._allocating if resource == SERVICES else contextlib.nullcontext():
            if self.store.has(resource, namespace, name):
                raise failures.already_exists(resource, name)
            return self.store.put(resource, self.admit(resource, namespace, document))

    def admit(self, resource: Resource, namespace: str, document: dict[str, Any]) -> dict[str, Any]:
        """Fill in what an API server gives a new object; a pod also passes through `on_pod_created`."""
        metadata = _named(document)
        if resource.namespaced:
            metadata["namespace"] = namespace
        metadata["uid"] = str(uuid.uuid4())
        metadata["creationTimestamp"] = self.timestamp()
        if resource == PODS:
            document["status"] = {"phase": "Pending", "qosClass": "BestEffort"}
            self.on_pod_created(document)
        if resource == SERVICES:
            services.admit(document, services.in_use(self.store.all(SERVICES)))
        if resource.custom:
            metadata["generation"] = 1
        if resource == DEFINITIONS and (custom := defined(document)) is not None:
            self.register(custom)
            kinds = ("NamesAccepted", "Established")
            document["status"] = {"conditions": [{"type": each, "status": "True"} for each in kinds]}
        if resource == NAMESPACES:
            document["spec"] = {"finalizers": ["kubernetes"]}
            document["status"] = {"phase": "Active"}
        return document
