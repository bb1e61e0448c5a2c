"""What a kubelet tells the API server of its pods: made from what was laid out, written as API objects.

Field names are those of Kubernetes' API (core/v1 Pod, Node; apps/v1 DaemonSet); only what clients read of
them is there.
"""

import hashlib
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from memcollect.lab.layout import PodSpec

POD_LIST = "pods.json"
"""In a cluster's folder: the pods that were laid out."""
NODE_LIST = "nodes.json"
CREATED_PODS = "created-pods.json"
"""The pods that clients have created, as far as they run; only the metrics are made from this list."""


class ContainerRun(Struct, kw_only=True):
    """One container as the kubelet knows it; times in seconds since the epoch."""

    name: str
    is_init: bool = False
    started_at: float | None = None
    finished_at: float | None = None
    """When this run ended; an init container's has."""
    last_finished_at: float | None = None
    """When the run before this one ended; None for the first."""
    last_id: str = ""


class PodRun(Struct, kw_only=True):
    """One pod that was laid out, and the state of its containers."""

    spec: PodSpec
    labels: dict[str, str]
    created_at: float
    containers: list[ContainerRun]
    node: str
    images: dict[str, str] = {}
    """By container, where a manifest names them."""

    def container(self, name: str) -> ContainerRun:
        """Return the container of that name."""
        return next(each for each in self.containers if each.name == name)


def timestamp(seconds: float) -> str:
    """Return a time as API objects carry it: RFC 3339, UTC, cut to whole seconds."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_list(path: Path, items: Sequence[Any]) -> None:
    """Write a list of objects, whole or not at all: others read the file while it is replaced."""
    part = path.with_suffix(".part")
    part.write_bytes(msgspec.json.encode({"items": items}))
    part.replace(path)


def pod_object(pod: PodRun) -> dict[str, Any]:
    """Return the Pod."""
    main, init = _by_kind(pod)
    return {
        "metadata": {
            "name": pod.spec.name,
            "namespace": pod.spec.namespace,
            "uid": pod.spec.uid,
            "creationTimestamp": timestamp(pod.created_at),
            "labels": pod.labels,
        },
        "spec": {
            "nodeName": pod.node,
            "containers": [_container_spec(pod, each) for each in main],
            **({"initContainers": [_container_spec(pod, each) for each in init]} if init else {}),
        },
        "status": pod_status(pod),
    }


def pod_status(pod: PodRun) -> dict[str, Any]:
    """Return the Pod's status."""
    main, init = _by_kind(pod)
    ready = all(each.started_at is not None and each.finished_at is None for each in main)
    running = any(each.started_at is not None for each in main)
    return {
        "phase": "Running" if running else "Pending",
        "qosClass": pod.spec.qos_class,
        "startTime": timestamp(pod.created_at),
        "conditions": [
            _condition("PodScheduled", pod.created_at, holds=True),
            _condition("Ready", max((each.started_at or 0.0 for each in main), default=0.0), holds=ready),
        ],
        "containerStatuses": [_status(pod, each) for each in main],
        **({"initContainerStatuses": [_status(pod, each) for each in init]} if init else {}),
    }


def _by_kind(pod: PodRun) -> tuple[list[ContainerRun], list[ContainerRun]]:
    """Return the app containers and the init containers."""
    return [e for e in pod.containers if not e.is_init], [e for e in pod.containers if e.is_init]


def _condition(kind: str, since: float, *, holds: bool) -> dict[str, str]:
    return {
        "type": kind,
        "status": "True" if holds else "False",
        **({"lastTransitionTime": timestamp(since)} if holds else {}),
    }


def _container_spec(pod: PodRun, run: ContainerRun) -> dict[str, Any]:
    spec = next(each for each in pod.spec.containers if each.name == run.name)
    limit = spec.limits.get("memory.max")
    resources: dict[str, Any] = {}
    if isinstance(limit, int):
        share = 1 if pod.spec.qos_class == "Guaranteed" else 4
        resources = {
            "limits": {"cpu": "1", "memory": str(limit)},
            "requests": {"cpu": "1" if share == 1 else "100m", "memory": str(limit // share)},
        }
    return {"name": run.name, "image": _image(pod, run.name), "resources": resources}


def _image(pod: PodRun, container: str) -> str:
    return pod.images.get(container) or f"memcollect-lab/{pod.spec.namespace}:1"


def _image_id(image: str) -> str:
    return f"{image}@sha256:{hashlib.sha256(image.encode()).hexdigest()}"


def _status(pod: PodRun, run: ContainerRun) -> dict[str, Any]:
    identity = f"containerd://{pod.spec.container_id(run.name)}"
    restarts = next(each.restarts for each in pod.spec.containers if each.name == run.name)
    status: dict[str, Any] = {
        "name": run.name,
        "image": _image(pod, run.name),
        "imageID": _image_id(_image(pod, run.name)),
        "ready": run.finished_at is None and run.started_at is not None,
        "restartCount": restarts,
        "state": _state(run, identity),
    }
    if run.started_at is not None:
        status["containerID"] = identity
    if run.last_finished_at is not None:
        status["lastState"] = {
            "terminated": {
                "exitCode": 137,
                "reason": "Error",
                "finishedAt": timestamp(run.last_finished_at),
                "containerID": run.last_id,
            }
        }
    return status


def _state(run: ContainerRun, identity: str) -> dict[str, Any]:
    if run.started_at is None:
        return {"waiting": {"reason": "ContainerCreating"}}
    if run.finished_at is None:
        return {"running": {"startedAt": timestamp(run.started_at)}}
    ended = {
        "exitCode": 0,
        "reason": "Completed",
        "startedAt": timestamp(run.started_at),
        "finishedAt": timestamp(run.finished_at),
        "containerID": identity,
    }
    return {"terminated": ended}


def node_object(name: str, created_at: float) -> dict[str, Any]:
    """Return the Node: this machine, as far as it can be asked; there is no kubelet, and it says so."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    size = {"cpu": str(os.cpu_count() or 1), "memory": f"{memory // 1024}Ki", "pods": "110"}
    return {
        "metadata": {
            "name": name,
            "creationTimestamp": timestamp(created_at),
            "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"},
        },
        "spec": {},
        "status": {
            "capacity": size,
            "allocatable": size,
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": {
                "kernelVersion": platform.release(),
                "osImage": "memcollect's lab",
                "containerRuntimeVersion": "containerd://0.0.0",
                "kubeletVersion": "v0.0.0",
                "operatingSystem": "linux",
                "architecture": "amd64",
            },
        },
    }


def daemon_set_object(namespace: str, name: str, labels: dict[str, str], ready: int) -> dict[str, Any]:
    """Return the DaemonSet of a cluster of one node."""
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}},
        "status": {
            "currentNumberScheduled": ready,
            "desiredNumberScheduled": 1,
            "numberAvailable": ready,
            "numberMisscheduled": 0,
            "numberReady": ready,
            "updatedNumberScheduled": ready,
        },
    }
