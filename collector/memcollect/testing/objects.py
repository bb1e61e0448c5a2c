"""Small, valid Kubernetes objects for clusters that a test or a benchmark makes up."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

_EPOCH = "2026-01-01T00:00:00Z"
_NODE_INFO = {
    "machineID": "0123456789abcdef0123456789abcdef",
    "systemUUID": "01234567-89ab-cdef-0123-456789abcdef",
    "bootID": "01234567-89ab-cdef-0123-456789abcdef",
    "kernelVersion": "7.2.7",
    "osImage": "Debian GNU/Linux",
    "containerRuntimeVersion": "containerd://2.1.9",
    "kubeletVersion": "v1.36.2",
    "kubeProxyVersion": "",
    "operatingSystem": "linux",
    "architecture": "amd64",
}


def namespace(name: str) -> dict[str, Any]:
    """Return an active Namespace."""
    return {"metadata": {"name": name, "creationTimestamp": _EPOCH}, "status": {"phase": "Active"}}


def node(name: str, *, memory: str = "16Gi", cpu: str = "8") -> dict[str, Any]:
    """Return a ready Node; `memory` and `cpu` are quantities, and its capacity."""
    size = {"cpu": cpu, "memory": memory, "pods": "110"}
    return {
        "metadata": {"name": name, "creationTimestamp": _EPOCH, "labels": {"kubernetes.io/hostname": name}},
        "spec": {},
        "status": {
            "capacity": size,
            "allocatable": size,
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": dict(_NODE_INFO),
        },
    }


def pod(  # noqa: PLR0913 - a pod is this many facts, all but two with a default
    namespace: str,
    name: str,
    *,
    uid: str = "",
    node: str = "",
    labels: Mapping[str, str] | None = None,
    containers: Sequence[str] = ("main",),
    phase: str = "Running",
    runtime_class: str = "",
) -> dict[str, Any]:
    """Return a Pod; without `uid` one is made of its name, its container ids are made of the uid."""
    uid = uid or f"uid-{namespace}-{name}"
    spec: dict[str, Any] = {"containers": [{"name": c, "image": "example/image"} for c in containers]}
    if runtime_class:
        spec["runtimeClassName"] = runtime_class
    if node:
        spec["nodeName"] = node
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": uid,
            "creationTimestamp": _EPOCH,
            **({"labels": dict(labels)} if labels else {}),
        },
        "spec": spec,
        "status": {
            "phase": phase,
            "qosClass": "BestEffort",
            "startTime": _EPOCH,
            "conditions": [{"type": "Ready", "status": "True" if phase == "Running" else "False"}],
            "containerStatuses": [_container_status(uid, c, phase) for c in containers],
        },
    }


def _container_status(uid: str, name: str, phase: str) -> dict[str, Any]:
    running = phase == "Running"
    return {
        "name": name,
        "image": "example/image",
        "imageID": image_id("example/image"),
        "ready": running,
        "restartCount": 0,
        "state": {"running": {"startedAt": _EPOCH}} if running else {"waiting": {}},
        **({"containerID": f"containerd://{uid}-{name}"} if running else {}),
    }


def image_id(image: str) -> str:
    """Return an image id as containerd reports it, by a digest that is the same for the same image."""
    return f"{image}@sha256:{hashlib.sha256(image.encode()).hexdigest()}"


def pod_metrics(
    namespace: str, name: str, timestamp: str, memory_bytes: Mapping[str, int], *, window: str = "15s"
) -> dict[str, Any]:
    """Return a PodMetrics; `memory_bytes` is each container's working set, the time is RFC 3339."""
    return {
        "metadata": {"name": name, "namespace": namespace, "creationTimestamp": timestamp},
        "timestamp": timestamp,
        "window": window,
        "containers": [
            {"name": container, "usage": {"cpu": "0", "memory": quantity(size)}}
            for container, size in memory_bytes.items()
        ],
    }


def node_metrics(name: str, timestamp: str, memory_bytes: int, *, window: str = "15s") -> dict[str, Any]:
    """Return a NodeMetrics of a node that uses `memory_bytes`."""
    return {
        "metadata": {"name": name, "creationTimestamp": timestamp},
        "timestamp": timestamp,
        "window": window,
        "usage": {"cpu": "0", "memory": quantity(memory_bytes)},
    }


def quantity(size_bytes: int) -> str:
    """Return bytes as metrics-server writes them: in Ki when that is exact, else plain."""
    return f"{size_bytes // 1024}Ki" if size_bytes % 1024 == 0 and size_bytes else str(size_bytes)


def service(  # noqa: PLR0913 - a service is this many facts, all but three with a default
    namespace: str,
    name: str,
    *,
    cluster_ip: str,
    port: int = 80,
    node_port: int = 0,
    selector: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return a Service of one TCP port, of type NodePort where it has a `node_port`, else ClusterIP."""
    opened: dict[str, Any] = {"port": port, "targetPort": port, "protocol": "TCP"}
    spec: dict[str, Any] = {
        "type": "NodePort" if node_port else "ClusterIP",
        "clusterIP": cluster_ip,
        "clusterIPs": [cluster_ip],
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "internalTrafficPolicy": "Cluster",
        "sessionAffinity": "None",
        "ports": [{**opened, "nodePort": node_port} if node_port else opened],
        **({"externalTrafficPolicy": "Cluster"} if node_port else {}),
        **({"selector": dict(selector)} if selector else {}),
    }
    metadata: dict[str, Any] = {"name": name, "namespace": namespace, "creationTimestamp": _EPOCH}
    if labels:
        metadata["labels"] = dict(labels)
    return {"metadata": metadata, "spec": spec, "status": {"loadBalancer": {}}}


def daemon_set(
    namespace: str, name: str, *, desired: int, ready: int, labels: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return a DaemonSet of which `ready` of `desired` pods are ready."""
    selector = dict(labels or {"app": name})
    return {
        "metadata": {"name": name, "namespace": namespace, "creationTimestamp": _EPOCH, "labels": selector},
        "spec": {
            "selector": {"matchLabels": selector},
            "template": {
                "metadata": {"labels": selector},
                "spec": {"containers": [{"name": "main", "image": "example/image"}]},
            },
        },
        "status": {
            "currentNumberScheduled": desired,
            "desiredNumberScheduled": desired,
            "numberAvailable": ready,
            "numberMisscheduled": 0,
            "numberReady": ready,
            "updatedNumberScheduled": desired,
        },
    }


def runtime_class(name: str, handler: str) -> dict[str, Any]:
    """Return a RuntimeClass served by the node's runtime `handler`, such as runsc."""
    return {"metadata": {"name": name, "creationTimestamp": _EPOCH}, "handler": handler}


def event(pod: Mapping[str, Any], reason: str, message: str, timestamp: str) -> dict[str, Any]:
    """Return a Normal Event about `pod`, as its kubelet writes it at `timestamp` (RFC 3339)."""
    metadata = pod["metadata"]
    digest = hashlib.sha256(f"{metadata['uid']}{reason}{message}".encode()).hexdigest()[:16]
    return {
        "metadata": {
            "name": f"{metadata['name']}.{digest}",
            "namespace": metadata["namespace"],
            "uid": f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8000-{digest[:12]}",
            "creationTimestamp": timestamp,
        },
        "involvedObject": {
            "kind": "Pod",
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
            "apiVersion": "v1",
        },
        "reason": reason,
        "message": message,
        "type": "Normal",
        "source": {"component": "kubelet", "host": (pod.get("spec") or {}).get("nodeName", "")},
        "firstTimestamp": timestamp,
        "lastTimestamp": timestamp,
        "count": 1,
    }
