"""Objects by kind, in the order and with the pages of an API server's lists.

Every object is kept encoded as it stands in a list, so that a list of thirty thousand is one join. Lists
are ordered by the key an API server stores objects under (`/namespace/name`), byte by byte.
"""

import base64
import binascii
import collections
import dataclasses
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from memcollect.testing import failures
from memcollect.testing.resources import Resource

_SNAPSHOTS_KEPT = 16
_CHANGES_KEPT = 2000
"""For watches: an API server keeps a window of them, too."""
_FIELDS = {
    "pods": (
        "spec.nodeName",
        "status.phase",
        "spec.restartPolicy",
        "spec.serviceAccountName",
        "status.podIP",
    ),
    "services": ("spec.clusterIP", "spec.type"),
    "events": (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "reason",
        "type",
    ),
    "namespaces": ("status.phase",),
    "nodes": ("spec.unschedulable",),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Stored:
    """One object: its key, what selectors look at, and its JSON without kind and apiVersion."""

    key: str
    namespace: str
    labels: Mapping[str, str]
    fields: Mapping[str, str]
    raw: bytes

    def decoded(self) -> dict[str, Any]:
        """Return a fresh copy of the object, without kind and apiVersion."""
        decoded: dict[str, Any] = msgspec.json.decode(self.raw)
        return decoded

    def at(self, revision: int) -> "Stored":
        """Return it with another resource version: that of its deletion, in a watch."""
        document = self.decoded()
        document["metadata"]["resourceVersion"] = str(revision)
        return dataclasses.replace(self, raw=msgspec.json.encode(document))


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """What there was before a change (None: it was made) and after it (None: it was taken out)."""

    revision: int
    resource: Resource
    before: Stored | None
    after: Stored | None


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """One answer to a list: the objects of it, the list's revision, and how to go on."""

    items: tuple[Stored, ...]
    revision: int
    token: str = ""
    remaining: int | None = None


def field_names(resource: Resource) -> frozenset[str]:
    """Return the fields that a list of `resource` may be selected by."""
    extra = _FIELDS.get(resource.plural, ()) if resource.stored else ()
    return frozenset({"metadata.name", "metadata.namespace", *extra})


def object_key(namespace: str, name: str) -> str:
    """Return the key that orders lists."""
    return f"/{namespace}/{name}" if namespace else f"/{name}"


Alter: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]


class Store:
    """All objects, safe to use from several threads.

    `revision` is the cluster's resource version: it grows with every change of a stored object.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._changes: collections.deque[Change] = collections.deque(maxlen=_CHANGES_KEPT)
        self._forgotten = 1
        """The revision up to which changes are not known any more."""
        self._objects: dict[Resource, dict[str, Stored]] = collections.defaultdict(dict)
        self._ordered: dict[Resource, tuple[Stored, ...]] = {}
        self._snapshots: collections.OrderedDict[tuple[Resource, int], tuple[Stored, ...]] = (
            collections.OrderedDict()
        )
        self.revision = 1

    def put(self, resource: Resource, document: Mapping[str, Any]) -> Stored:
        """Add or replace an object and return it as stored."""
        with self._lock:
            if resource.stored:
                self.revision += 1
            stored = _stored(resource, document, self.revision)
            before = self._objects[resource].get(stored.key)
            self._objects[resource][stored.key] = stored
            self._ordered.pop(resource, None)
            self._note(resource, before, stored)
            return stored

    def change(self, resource: Resource, namespace: str, name: str, change: Alter) -> Stored:
        """Replace an object by what `change` makes of it, at once. Raises ApiError, as it does."""
        with self._lock:
            document = change(self.get(resource, namespace, name).decoded())
            document["metadata"].pop("resourceVersion", None)
            return self.put(resource, document)

    def changes_since(self, revision: int, seconds: float) -> list[Change] | None:
        """Return what has changed since, waiting so long for the first; None where that is forgotten."""
        with self._changed:
            if self.revision <= revision:
                self._changed.wait(seconds)
            if revision < self._forgotten:
                return None
            return [each for each in self._changes if each.revision > revision]

    def remove(self, resource: Resource, namespace: str, name: str) -> Stored:
        """Take an object out and return it. Raises ApiError (404)."""
        with self._lock:
            stored = self.get(resource, namespace, name)
            del self._objects[resource][stored.key]
            self._ordered.pop(resource, None)
            self.revision += resource.stored
            self._note(resource, stored, None)
            return stored

    def _note(self, resource: Resource, before: Stored | None, after: Stored | None) -> None:
        if not resource.stored:
            return
        if len(self._changes) == _CHANGES_KEPT:
            self._forgotten = self._changes[0].revision
        self._changes.append(Change(self.revision, resource, before, after))
        self._changed.notify_all()

    def get(self, resource: Resource, namespace: str, name: str) -> Stored:
        """Return one object. Raises ApiError (404)."""
        with self._lock:
            found = self._objects[resource].get(object_key(namespace, name))
        if found is None:
            raise failures.not_found(resource, name)
        return found

    def has(self, resource: Resource, namespace: str, name: str) -> bool:
        """Whether the object exists."""
        with self._lock:
            return object_key(namespace, name) in self._objects[resource]

    def all(self, resource: Resource) -> tuple[Stored, ...]:
        """Return all objects of a kind in the order of lists."""
        with self._lock:
            ordered = self._ordered.get(resource)
            if ordered is None:
                objects = self._objects[resource]
                ordered = tuple(objects[key] for key in sorted(objects, key=str.encode))
                self._ordered[resource] = ordered
            return ordered

    def first_page(self, resource: Resource, limit: int) -> tuple[tuple[Stored, ...], int]:
        """Return what a list starts from, and keep it when it may be continued."""
        with self._lock:
            ordered = self.all(resource)
            if limit:
                self._snapshots[resource, self.revision] = ordered
                if len(self._snapshots) > _SNAPSHOTS_KEPT:
                    self._snapshots.popitem(last=False)
            return ordered, self.revision

    def snapshot(self, resource: Resource, token: str) -> tuple[tuple[Stored, ...], int, str]:
        """Return the list that `token` continues, its revision, and the key to go on from.

        Raises ApiError: 400 for what is not a token, 410 when the revision is forgotten.
        """
        revision, start = decode_token(token)
        with self._lock:
            if revision < 0:
                return self.all(resource), self.revision, start
            ordered = self._snapshots.get((resource, revision))
        if ordered is None:
            raise failures.expired(encode_token(-1, start))
        return ordered, revision, start

    def compact(self) -> None:
        """Forget old revisions, as etcd does every five minutes: continue tokens expire, and old watches."""
        with self._lock:
            self._snapshots.clear()
            self._changes.clear()
            self._forgotten = self.revision


def _stored(resource: Resource, document: Mapping[str, Any], revision: int) -> Stored:
    metadata = dict(document.get("metadata") or {})
    namespace = metadata.get("namespace", "") if resource.namespaced else ""
    if resource.stored and not metadata.get("resourceVersion"):
        metadata["resourceVersion"] = str(revision)
    body = {"metadata": metadata}
    body.update((k, v) for k, v in document.items() if k not in ("kind", "apiVersion", "metadata"))
    fields = {"metadata.name": metadata["name"], "metadata.namespace": namespace}
    for path in _FIELDS.get(resource.plural, ()):
        value: Any = document
        for step in path.split("."):
            value = (value or {}).get(step)
        fields[path] = str(value or "")
    return Stored(
        object_key(namespace, metadata["name"]),
        namespace,
        metadata.get("labels") or {},
        fields,
        msgspec.json.encode(body),
    )


def encode_token(revision: int, start: str) -> str:
    """Return the continue token of an API server: URL-safe base64 of JSON, without padding."""
    body = msgspec.json.encode({"v": "meta.k8s.io/v1", "rv": revision, "start": start})
    return base64.urlsafe_b64encode(body).rstrip(b"=").decode()


def decode_token(token: str) -> tuple[int, str]:
    """Return revision and key of a continue token. Raises ApiError (400)."""
    try:
        body = msgspec.json.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return int(body["rv"]), str(body["start"])
    except (binascii.Error, msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        raise failures.bad_request(f"continue key is not valid: {error}") from error
