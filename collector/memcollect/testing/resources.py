"""The kinds of object that the stand-in serves, and its discovery documents made from them.

Names, verbs and the shape of discovery are those of a Kubernetes 1.36 API server with metrics-server.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

_STORED_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclasses.dataclass(frozen=True, slots=True)
class Resource:
    """One kind of object.

    `stored` is False for what metrics-server answers: such lists have no resource version and no pages.
    """

    group: str
    version: str
    plural: str
    singular: str
    kind: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    verbs: tuple[str, ...] = _STORED_VERBS
    stored: bool = True
    categories: tuple[str, ...] = ()
    custom: bool = False
    """Whether a CustomResourceDefinition brought it: it has a subresource `status` then."""

    @property
    def group_version(self) -> str:
        """`v1` for the core group, else `group/version`: what objects carry as apiVersion."""
        return f"{self.group}/{self.version}" if self.group else self.version


PODS = Resource("", "v1", "pods", "pod", "Pod", namespaced=True, short_names=("po",), categories=("all",))
SERVICES = Resource(
    "", "v1", "services", "service", "Service", True, short_names=("svc",), categories=("all",)
)
EVENTS = Resource("", "v1", "events", "event", "Event", namespaced=True, short_names=("ev",))
NODES = Resource("", "v1", "nodes", "node", "Node", namespaced=False, short_names=("no",))
NAMESPACES = Resource(
    *("", "v1", "namespaces", "namespace", "Namespace"),
    namespaced=False,
    short_names=("ns",),
    verbs=tuple(verb for verb in _STORED_VERBS if verb != "deletecollection"),
)
DAEMONSETS = Resource(
    "apps", "v1", "daemonsets", "daemonset", "DaemonSet", True, short_names=("ds",), categories=("all",)
)
RUNTIME_CLASSES = Resource("node.k8s.io", "v1", "runtimeclasses", "runtimeclass", "RuntimeClass", False)
CLAIMS = Resource(
    "", "v1", "persistentvolumeclaims", "persistentvolumeclaim", "PersistentVolumeClaim", True, ("pvc",)
)
NETWORK_POLICIES = Resource(
    "networking.k8s.io", "v1", "networkpolicies", "networkpolicy", "NetworkPolicy", True, ("netpol",)
)
DEFINITIONS = Resource(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    "customresourcedefinition",
    "CustomResourceDefinition",
    namespaced=False,
    short_names=("crd", "crds"),
)
POD_METRICS = Resource(
    "metrics.k8s.io", "v1beta1", "pods", "", "PodMetrics", True, verbs=("get", "list"), stored=False
)
NODE_METRICS = Resource(
    "metrics.k8s.io", "v1beta1", "nodes", "", "NodeMetrics", False, verbs=("get", "list"), stored=False
)
ACCESS_REVIEWS = Resource(
    "authorization.k8s.io",
    "v1",
    "selfsubjectaccessreviews",
    "selfsubjectaccessreview",
    "SelfSubjectAccessReview",
    namespaced=False,
    verbs=("create",),
)

RESOURCES = (
    EVENTS,
    NAMESPACES,
    NODES,
    CLAIMS,
    PODS,
    SERVICES,
    DAEMONSETS,
    ACCESS_REVIEWS,
    RUNTIME_CLASSES,
    NETWORK_POLICIES,
    DEFINITIONS,
    NODE_METRICS,
    POD_METRICS,
)

_PORT_FORWARD = {
    "name": "pods/portforward",
    "singularName": "",
    "namespaced": True,
    "kind": "PodPortForwardOptions",
    "verbs": ["create", "get"],
}


def defined(definition: Mapping[str, Any]) -> Resource | None:
    """Return the resource that a CustomResourceDefinition brings, in its stored version; None: none."""
    spec = definition.get("spec") or {}
    names = spec.get("names") or {}
    stored = [each["name"] for each in spec.get("versions") or [] if each.get("storage")]
    if not stored or not names.get("plural"):
        return None
    return Resource(
        spec["group"],
        stored[0],
        names["plural"],
        names.get("singular") or names["kind"].lower(),
        names["kind"],
        namespaced=spec.get("scope") == "Namespaced",
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        custom=True,
    )


def find(served: Sequence[Resource], group: str, version: str, plural: str) -> Resource | None:
    """Return the resource of that name in that group and version, None when there is none."""
    for resource in served:
        if (resource.group, resource.version, resource.plural) == (group, version, plural):
            return resource
    return None


def core_versions(address: str) -> dict[str, Any]:
    """Return the answer to GET /api; `address` is the server's `host:port`."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def group_list(served: Sequence[Resource]) -> dict[str, Any]:
    """Return the answer to GET /apis."""
    versions = {(r.group, r.group_version, r.version) for r in served if r.group}
    groups = [_group(*version) for version in sorted(versions)]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def _group(name: str, group_version: str, version: str) -> dict[str, Any]:
    entry = {"groupVersion": group_version, "version": version}
    return {"name": name, "versions": [entry], "preferredVersion": entry}


def group(served: Sequence[Resource], name: str) -> dict[str, Any] | None:
    """Return the answer to GET /apis/NAME, None for a group that is not served."""
    for resource in served:
        if name and resource.group == name:
            described = _group(name, resource.group_version, resource.version)
            return {"kind": "APIGroup", "apiVersion": "v1", **described}
    return None


def resource_list(served: Sequence[Resource], group_name: str, version: str) -> dict[str, Any] | None:
    """Return the answer to GET /api/v1 or /apis/GROUP/VERSION, None for a group that is not served."""
    served = [r for r in served if (r.group, r.version) == (group_name, version)]
    if not served:
        return None
    described = [_describe(resource) for resource in served]
    if PODS in served:
        described.append(_PORT_FORWARD)
    # The core group's list has no apiVersion of its own, the others' has.
    header = {"apiVersion": "v1"} if group_name else {}
    return {
        "kind": "APIResourceList",
        **header,
        "groupVersion": served[0].group_version,
        "resources": described,
    }


def _describe(resource: Resource) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        described["shortNames"] = list(resource.short_names)
    if resource.categories:
        described["categories"] = list(resource.categories)
    return described
