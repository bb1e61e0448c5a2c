"""A folder that describes the cluster, looked at again and again while the stand-in serves it.

The files are those of a recording, and `settings.json`:

    {"metrics": false,
     "denied": [{"verb": "list", "resource": "nodes"}],
     "forwards": ["memcollect/agent-1:7070=127.0.0.1:40001"]}

Whoever writes them writes whole files (a new one, renamed): a file that cannot be read as what it should
be is told of once, and what it held before stays served.
"""

import sys
import time
from pathlib import Path
from typing import Any, NoReturn

import msgspec
from msgspec import Struct

from memcollect.testing.access import Access, Rule
from memcollect.testing.cluster import RECORDED, Cluster
from memcollect.testing.resources import Resource

SETTINGS = "settings.json"
FOLLOW_SECONDS = 0.2
"""Between two looks at the folder."""


class Denied(Struct, frozen=True, forbid_unknown_fields=True):
    """What is refused, as `access.Rule` takes it; "*" stands for anything."""

    verb: str = "*"
    group: str = "*"
    resource: str = "*"
    namespace: str = "*"
    name: str = "*"
    reason: str = ""


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """What of a cluster is not an object. Each file of it replaces the one before as a whole."""

    metrics: bool = True
    """Whether there is a metrics API."""
    denied: list[Denied] = []
    forwards: list[str] = []
    """NAMESPACE/POD:PORT=HOST:PORT, where port-forwards lead."""


def forwarding(text: str) -> tuple[str, str, int, tuple[str, int]]:
    """Return namespace, pod, port and address of a forward. Raises ValueError."""
    source, _, target = text.partition("=")
    pod, _, port = source.rpartition(":")
    namespace, _, name = pod.partition("/")
    host, _, host_port = target.rpartition(":")
    if not (namespace and name and host and port.isdecimal() and host_port.isdecimal()):
        raise ValueError(f"{text}: not NAMESPACE/POD:PORT=HOST:PORT")
    return namespace, name, int(port), (host, int(host_port))


class Follower:
    """Keeps `cluster` as `folder` describes it."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._cluster = cluster
        self._folder = folder
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._names: dict[Resource, set[tuple[str, str]]] = {}

    def refresh(self) -> None:
        """Take over what has changed since the last call."""
        for name, resource in RECORDED:
            if self._has_changed(name):
                self._attempt(name, lambda text, resource=resource: self._replace(resource, text))
        if self._has_changed(SETTINGS):
            self._attempt(SETTINGS, self._set)

    def follow(self) -> NoReturn:
        """Go on taking over what changes, until the process is interrupted."""
        while True:
            self.refresh()
            time.sleep(FOLLOW_SECONDS)

    def _has_changed(self, name: str) -> bool:
        try:
            found = (self._folder / name).stat()
        except FileNotFoundError:
            return False
        signature = (found.st_ino, found.st_mtime_ns, found.st_size)
        changed = self._seen.get(name) != signature
        self._seen[name] = signature
        return changed

    def _attempt(self, name: str, take: Any) -> None:
        try:
            take((self._folder / name).read_bytes())
        except (OSError, ValueError, KeyError, TypeError, msgspec.MsgspecError) as error:
            sys.stderr.write(f"{name} is left as it was: {error}\n")

    def _replace(self, resource: Resource, text: bytes) -> None:
        items = msgspec.json.decode(text)["items"]
        names = {(each["metadata"].get("namespace", ""), each["metadata"]["name"]) for each in items}
        for item in items:
            self._cluster.put(resource, item)
        for namespace, name in self._names.get(resource, set()) - names:
            if self._cluster.store.has(resource, namespace, name):
                self._cluster.remove(resource, name, namespace)
        self._names[resource] = names

    def _set(self, text: bytes) -> None:
        settings = msgspec.json.decode(text, type=Settings)
        access = Access()
        access.tokens.update(self._cluster.access.tokens)
        access.add(*(Rule(allowed=False, **msgspec.structs.asdict(each)) for each in settings.denied))
        forwards = [forwarding(each) for each in settings.forwards]
        self._cluster.metrics = settings.metrics
        self._cluster.access = access
        self._cluster.forward_only(forwards)
