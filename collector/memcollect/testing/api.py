"""One request to one answer: the paths of the API, without sockets."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from memcollect.testing import changing, failures, listing, protobuf, resources, table
from memcollect.testing.cluster import Cluster
from memcollect.testing.exchange import Answer, Request, encoded, failed
from memcollect.testing.failures import ApiError
from memcollect.testing.resources import ACCESS_REVIEWS, DEFINITIONS, NAMESPACES, PODS, SERVICES, Resource
from memcollect.testing.store import Page, Stored
from memcollect.testing.target import Target, target

_HEALTH = ("/healthz", "/readyz", "/livez")
_CREATED = 201


def answer(cluster: Cluster, request: Request) -> Answer:
    """Answer any request but a port-forward; never raises."""
    try:
        user = cluster.access.user(request.authorization)
        found = _plain(cluster, request) or _resource_request(cluster, request, user)
    except ApiError as failure:
        return failed(failure, request)
    return found


def _plain(cluster: Cluster, request: Request) -> Answer | None:
    """Answer what is not a resource: version, health and discovery."""
    path = request.path.rstrip("/")
    if path in _HEALTH:
        return Answer(200, b"ok", "text/plain; charset=utf-8")
    if path == "/version":
        return Answer(200, msgspec.json.format(msgspec.json.encode(cluster.version), indent=2))
    document = _discovery(cluster, path.removeprefix("/").split("/"), request.address)
    return None if document is None else Answer(200, encoded(document, request))


def _discovery(cluster: Cluster, parts: list[str], address: str) -> dict[str, Any] | None:
    match parts:
        case ["api"]:
            return resources.core_versions(address)
        case ["apis"]:
            return resources.group_list(cluster.served)
        case ["api", version]:
            return resources.resource_list(cluster.served, "", version)
        case ["apis", group]:
            return resources.group(cluster.served, group)
        case ["apis", group, version]:
            return resources.resource_list(cluster.served, group, version)
    return None


def _resource_request(cluster: Cluster, request: Request, user: str) -> Answer:
    asked = target(cluster, request.path)
    if asked is None:
        return Answer(404, b"404 page not found\n", "text/plain; charset=utf-8")
    if asked.subresource and not (asked.subresource == "status" and asked.resource.custom):
        return _subresource_request(cluster, asked, request, user)
    verb = _verb(asked, request.method)
    if asked.resource == ACCESS_REVIEWS:
        return Answer(_CREATED, encoded(cluster.access.review(_review(request), user), request))
    cluster.access.check(user, asked.attributes(verb))
    return Answer(_CREATED if verb == "create" else 200, _DO[verb](cluster, asked, request))


def _subresource_request(cluster: Cluster, asked: Target, request: Request, user: str) -> Answer:
    """Let whoever plays the rest of the cluster answer what is sent to a subresource."""
    verb = {"POST": "create", "PUT": "update"}.get(request.method)
    serve = cluster.subresources.get((asked.resource, asked.subresource))
    if verb is None or serve is None:
        raise failures.no_such_resource()
    cluster.access.check(user, asked.attributes(verb))
    document = serve(asked.namespace, asked.name, _document(request))
    return Answer(_CREATED if verb == "create" else 200, encoded(document, request))


def _verb(asked: Target, method: str) -> str:
    named = bool(asked.name)
    verbs = {
        "GET": "get" if named else "list",
        "HEAD": "get" if named else "list",
        "POST": "" if named else "create",
        "PUT": "update" if named else "",
        "PATCH": "patch" if named else "",
        "DELETE": "delete" if named else "",
    }
    verb = verbs.get(method, "")
    if not verb or verb not in asked.resource.verbs:
        raise failures.method_not_allowed()
    return verb


def _document(request: Request) -> dict[str, Any]:
    if request.body.startswith(protobuf.MAGIC):
        raise failures.unsupported_media_type()
    try:
        return msgspec.json.decode(request.body, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise failures.bad_request(f"the body is not a JSON object: {error}") from error


def _review(request: Request) -> dict[str, Any]:
    if not request.body.startswith(protobuf.MAGIC):
        return _document(request)
    try:
        return protobuf.access_review(request.body)
    except ValueError as error:
        raise failures.bad_request(f"the body is not protobuf: {error}") from error


def _header(resource: Resource, suffix: str = "") -> bytes:
    return f'{{"kind":"{resource.kind}{suffix}","apiVersion":"{resource.group_version}",'.encode()


def _one(cluster: Cluster, resource: Resource, found: Stored, request: Request) -> bytes:
    if table.wanted(request.accept) and resource.stored:
        revision = found.decoded()["metadata"].get("resourceVersion", "")
        return _table(cluster, resource, {"resourceVersion": revision}, (found,), request)
    return encoded(msgspec.Raw(_header(resource) + found.raw[1:]), request)


def _list(cluster: Cluster, asked: Target, request: Request) -> bytes:
    page = listing.page(cluster.store, asked.resource, asked.namespace, listing.options(request.query))
    metadata = _list_metadata(asked.resource, page)
    if table.wanted(request.accept) and asked.resource.stored:
        return _table(cluster, asked.resource, metadata, page.items, request)
    body = b"".join(
        (
            _header(asked.resource, "List"),
            b'"metadata":',
            msgspec.json.encode(metadata),
            b',"items":[',
            b",".join([item.raw for item in page.items]),
            b"]}",
        )
    )
    return encoded(msgspec.Raw(body), request)


def _list_metadata(resource: Resource, page: Page) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    if resource.stored:
        metadata["resourceVersion"] = str(page.revision)
    if page.token:
        metadata["continue"] = page.token
        if page.remaining is not None:
            metadata["remainingItemCount"] = page.remaining
    return metadata


def _table(
    cluster: Cluster,
    resource: Resource,
    metadata: Mapping[str, Any],
    items: Sequence[Stored],
    request: Request,
) -> bytes:
    include = request.query.get("includeObject", ("Metadata",))[-1]
    documents = (item.decoded() for item in items)
    return encoded(table.render(resource, metadata, documents, cluster.clock(), include), request)


def _create(cluster: Cluster, asked: Target, request: Request) -> bytes:
    stored = cluster.create(asked.resource, asked.namespace, _document(request))
    if asked.resource.custom:
        cluster.on_custom_created(asked.resource, stored.decoded())
    return _one(cluster, asked.resource, stored, request)


def _check_preconditions(cluster: Cluster, asked: Target, request: Request) -> None:
    """Hold the UID that DeleteOptions may name against the object's."""
    try:
        options = msgspec.json.decode(request.body)
    except msgspec.MsgspecError:
        return
    wanted = (options.get("preconditions") or {}).get("uid") if isinstance(options, dict) else None
    if wanted is None:
        return
    found = cluster.store.get(asked.resource, asked.namespace, asked.name).decoded()["metadata"].get("uid")
    if found != wanted:
        raise failures.conflict(asked.resource, asked.name, wanted, found)


def _finalized(cluster: Cluster, asked: Target) -> Stored | None:
    """Mark an object that has finalizers as being deleted, and return it; None: it has none."""
    metadata = cluster.store.get(asked.resource, asked.namespace, asked.name).decoded()["metadata"]
    if not asked.resource.custom or not metadata.get("finalizers"):
        return None

    def mark(old: dict[str, Any]) -> dict[str, Any]:
        old["metadata"].setdefault("deletionTimestamp", cluster.timestamp())
        return old

    return cluster.store.change(asked.resource, asked.namespace, asked.name, mark)


def _delete(cluster: Cluster, asked: Target, request: Request) -> bytes:
    """Delete at once: nobody here needs a grace period, and a namespace takes what is in it with it."""
    _check_preconditions(cluster, asked, request)
    kept = _finalized(cluster, asked)
    if kept is not None:
        return _one(cluster, asked.resource, kept, request)
    removed = cluster.store.remove(asked.resource, asked.namespace, asked.name)
    if asked.resource == PODS:
        cluster.on_pod_deleted(removed.decoded())
    if asked.resource.custom:
        cluster.on_custom_deleted(asked.resource, removed.decoded())
    if asked.resource == DEFINITIONS and (custom := resources.defined(removed.decoded())) is not None:
        cluster.forget(custom)
    if asked.resource == NAMESPACES:
        cluster.empty(asked.name)
    document = removed.decoded()
    if asked.resource in (PODS, NAMESPACES):
        document["metadata"]["deletionTimestamp"] = cluster.timestamp()
    if asked.resource in (PODS, SERVICES, NAMESPACES):
        header = {"kind": asked.resource.kind, "apiVersion": asked.resource.group_version}
        return encoded({**header, **document}, request)
    details = {"name": asked.name, "kind": asked.resource.plural}
    if asked.resource.group:
        details["group"] = asked.resource.group
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
    return encoded(status, request)


def _get(cluster: Cluster, asked: Target, request: Request) -> bytes:
    return _one(
        cluster, asked.resource, cluster.store.get(asked.resource, asked.namespace, asked.name), request
    )


def _change(cluster: Cluster, asked: Target, request: Request) -> bytes:
    return _one(cluster, asked.resource, changing.changed(cluster, asked, request), request)


_DO = {
    "list": _list,
    "get": _get,
    "create": _create,
    "update": _change,
    "patch": _change,
    "delete": _delete,
}
