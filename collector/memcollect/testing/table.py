"""Lists as a Table (meta.k8s.io/v1), which is what `kubectl get` asks for and prints.

Columns with a priority above 0 are shown by `-o wide` alone. A row carries the object's metadata, or the
whole object, or none, as `includeObject` says.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from memcollect.testing import duration, pod_status, service_status
from memcollect.testing.resources import (
    DAEMONSETS,
    EVENTS,
    NAMESPACES,
    NODES,
    PODS,
    RUNTIME_CLASSES,
    SERVICES,
    Resource,
)

Row: TypeAlias = Callable[[Mapping[str, Any], dt.datetime], list[Any]]

_NONE = "<none>"
_ROLE = "node-role.kubernetes.io/"


def _columns(*names: str, wide: Iterable[str] = ()) -> list[dict[str, Any]]:
    shown = [(name, 0) for name in names] + [(name, 1) for name in wide]
    return [
        {
            "name": name,
            "type": "integer" if name in _COUNTS else "string",
            "format": "name" if name == "Name" else "",
            "description": f"{name} of the object",
            "priority": priority,
        }
        for name, priority in shown
    ]


_COUNTS = ("Desired", "Current", "Up-to-date", "Available")


def _created(document: Mapping[str, Any], now: dt.datetime) -> str:
    return duration.age(document["metadata"].get("creationTimestamp"), now)


def _pod(document: Mapping[str, Any], now: dt.datetime) -> list[Any]:
    summary = pod_status.summarize(document)
    spec, status = document.get("spec") or {}, document.get("status") or {}
    return [
        document["metadata"]["name"],
        f"{summary.ready}/{summary.total}",
        summary.reason,
        summary.restarts_cell(now),
        _created(document, now),
        status.get("podIP") or _NONE,
        spec.get("nodeName") or _NONE,
        status.get("nominatedNodeName") or _NONE,
        _gates(spec, status),
    ]


def _gates(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    wanted = [gate["conditionType"] for gate in spec.get("readinessGates", ())]
    met = {c["type"] for c in status.get("conditions", ()) if c["status"] == "True"}
    return f"{sum(gate in met for gate in wanted)}/{len(wanted)}" if wanted else _NONE


def _node(document: Mapping[str, Any], now: dt.datetime) -> list[Any]:
    status = document.get("status") or {}
    info = status.get("nodeInfo") or {}
    addresses = {a["type"]: a["address"] for a in status.get("addresses", ())}
    labels = document["metadata"].get("labels") or {}
    roles = sorted(label.removeprefix(_ROLE) for label in labels if label.startswith(_ROLE))
    return [
        document["metadata"]["name"],
        _node_state(document),
        ",".join(roles) or _NONE,
        _created(document, now),
        info.get("kubeletVersion", ""),
        addresses.get("InternalIP", _NONE),
        addresses.get("ExternalIP", _NONE),
        info.get("osImage") or "<unknown>",
        info.get("kernelVersion") or "<unknown>",
        info.get("containerRuntimeVersion") or "<unknown>",
    ]


def _node_state(document: Mapping[str, Any]) -> str:
    conditions = (document.get("status") or {}).get("conditions", ())
    ready = [c["status"] for c in conditions if c["type"] == "Ready"]
    state = ("Ready" if ready[0] == "True" else "NotReady") if ready else "Unknown"
    unschedulable = (document.get("spec") or {}).get("unschedulable")
    return f"{state},SchedulingDisabled" if unschedulable else state


def _namespace(document: Mapping[str, Any], now: dt.datetime) -> list[Any]:
    phase = (document.get("status") or {}).get("phase", "")
    return [document["metadata"]["name"], phase, _created(document, now)]


def _runtime_class(document: Mapping[str, Any], now: dt.datetime) -> list[Any]:
    return [document["metadata"]["name"], document.get("handler", ""), _created(document, now)]


def _daemon_set(document: Mapping[str, Any], now: dt.datetime) -> list[Any]:
    status, spec = document.get("status") or {}, document.get("spec") or {}
    template = (spec.get("template") or {}).get("spec") or {}
    containers = template.get("containers", ())
    return [
        document["metadata"]["name"],
        status.get("desiredNumberScheduled", 0),
        status.get("currentNumberScheduled", 0),
        status.get("numberReady", 0),
        status.get("updatedNumberScheduled", 0),
        status.get("numberAvailable", 0),
        _pairs(template.get("nodeSelector")),
        _created(document, now),
        ",".join(c["name"] for c in containers),
        ",".join(c["image"] for c in containers),
        _pairs((spec.get("selector") or {}).get("matchLabels")),
    ]


def _service(document: Mapping[str, Any], now: dt.datetime) -> list[Any]:
    spec = document.get("spec") or {}
    return [
        document["metadata"]["name"],
        spec.get("type", ""),
        service_status.cluster_ip(document),
        service_status.external_ip(document),
        service_status.ports(document),
        _created(document, now),
        _pairs(spec.get("selector")),
    ]


def _event(document: Mapping[str, Any], now: dt.datetime) -> list[Any]:
    about = document["involvedObject"]
    return [
        duration.age(document.get("lastTimestamp"), now),
        document.get("type", ""),
        document.get("reason", ""),
        f"{about['kind'].lower()}/{about['name']}",
        document.get("message", "").strip(),
    ]


def _pairs(labels: Mapping[str, str] | None) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or _NONE


def _any(document: Mapping[str, Any], _now: dt.datetime) -> list[Any]:
    return [document["metadata"]["name"], document["metadata"].get("creationTimestamp")]


_TABLES: dict[Resource, tuple[list[dict[str, Any]], Row]] = {
    PODS: (
        _columns(
            *("Name", "Ready", "Status", "Restarts", "Age"),
            wide=("IP", "Node", "Nominated Node", "Readiness Gates"),
        ),
        _pod,
    ),
    NODES: (
        _columns(
            *("Name", "Status", "Roles", "Age", "Version"),
            wide=("Internal-IP", "External-IP", "OS-Image", "Kernel-Version", "Container-Runtime"),
        ),
        _node,
    ),
    NAMESPACES: (_columns("Name", "Status", "Age"), _namespace),
    EVENTS: (_columns("Last Seen", "Type", "Reason", "Object", "Message"), _event),
    SERVICES: (
        _columns("Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", wide=("Selector",)),
        _service,
    ),
    RUNTIME_CLASSES: (_columns("Name", "Handler", "Age"), _runtime_class),
    DAEMONSETS: (
        _columns(
            *("Name", "Desired", "Current", "Ready", "Up-to-date", "Available", "Node Selector", "Age"),
            wide=("Containers", "Images", "Selector"),
        ),
        _daemon_set,
    ),
}


def wanted(accept: str) -> bool:
    """Whether an Accept header prefers a Table (version v1) to the objects."""
    first = accept.split(",", 1)[0].replace(" ", "")
    return "as=Table" in first and "v=v1;" in first + ";" and "g=meta.k8s.io" in first


def render(
    resource: Resource,
    metadata: Mapping[str, Any],
    documents: Iterable[Mapping[str, Any]],
    now: dt.datetime,
    include_object: str,
) -> dict[str, Any]:
    """Return the Table of `documents`; `metadata` is the list's own."""
    columns, row = _TABLES.get(resource, (_columns("Name", "Created At"), _any))
    rows = [
        {"cells": row(document, now), "object": _row_object(resource, document, include_object)}
        for document in documents
    ]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": columns,
        "rows": rows,
    }


def _row_object(
    resource: Resource, document: Mapping[str, Any], include_object: str
) -> dict[str, Any] | None:
    if include_object == "None":
        return None
    if include_object == "Object":
        return {"kind": resource.kind, "apiVersion": resource.group_version, **document}
    header = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    return {**header, "metadata": document["metadata"]}
