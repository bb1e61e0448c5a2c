"""Changing an object for a client: PUT, and PATCH as a JSON merge patch (RFC 7386)."""

from typing import Any

import msgspec

from memcollect.testing import failures
from memcollect.testing.cluster import Cluster
from memcollect.testing.exchange import Request
from memcollect.testing.store import Stored
from memcollect.testing.target import Target

MERGE_PATCH = "application/merge-patch+json"
_KEPT = ("name", "namespace", "uid", "creationTimestamp", "generation", "deletionTimestamp")
"""Of metadata: what no client changes."""


def changed(cluster: Cluster, asked: Target, request: Request) -> Stored:
    """Return the object as it is after the request. Raises ApiError (400, 404, 409, 415)."""
    patched = request.method == "PATCH"
    if patched and request.content_type.partition(";")[0] != MERGE_PATCH:
        raise failures.unsupported_patch(MERGE_PATCH)
    try:
        body = msgspec.json.decode(request.body, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise failures.bad_request(f"the body is not a JSON object: {error}") from error

    def change(old: dict[str, Any]) -> dict[str, Any]:
        read = (body.get("metadata") or {}).get("resourceVersion")
        if read not in (None, "", old["metadata"].get("resourceVersion")):
            raise failures.outdated(asked.resource, asked.name)
        return _made(old, merged(old, body) if patched else body, asked)

    stored = cluster.store.change(asked.resource, asked.namespace, asked.name, change)
    metadata = stored.decoded()["metadata"]
    if metadata.get("deletionTimestamp") and not metadata.get("finalizers"):
        removed = cluster.store.remove(asked.resource, asked.namespace, asked.name)
        cluster.on_custom_deleted(asked.resource, removed.decoded())
    return stored


def merged(document: Any, patch: Any) -> Any:
    """Return a document with a merge patch applied: null takes a key away, and a list is replaced whole."""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def _made(old: dict[str, Any], new: dict[str, Any], asked: Target) -> dict[str, Any]:
    """Return what is stored: a custom resource's status by its subresource alone, and the rest without it."""
    if asked.subresource == "status":
        return {**old, "status": new.get("status") or {}}
    metadata = {key: value for key, value in (new.get("metadata") or {}).items() if key not in _KEPT}
    metadata |= {key: old["metadata"][key] for key in _KEPT if key in old["metadata"]}
    made = {**new, "metadata": metadata}
    if asked.resource.custom:
        made.pop("status", None)
        made |= {"status": old["status"]} if "status" in old else {}
        if made.get("spec") != old.get("spec"):
            metadata["generation"] = metadata.get("generation", 0) + 1
    return made
