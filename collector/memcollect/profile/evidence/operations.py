"""What a sandbox needs of its cluster, from its pod and from what stands beside it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from memcollect.errors import MissingError
from memcollect.profile.evidence.beside import (
    SANDBOX_SYSTEMS,
    TOKEN_PATH,
    Container,
    NodeWithImages,
    Service,
    WholePod,
    WholeSpec,
    custom_resources,
    known,
    policies,
    services,
)
from memcollect.sources.api import Api
from memcollect.sources.names import checked
from memcollect.sources.pods import pods_path
from memcollect.sources.rights import Right
from memcollect.sources.runtime_classes import runtime_classes
from memcollect.units import human_bytes

Values = dict[str, bool | int | str | list[str]]
_POD = msgspec.json.Decoder(WholePod)
_NODE = msgspec.json.Decoder(NodeWithImages)


def whole(api: Api, namespace: str, name: str) -> WholePod | None:
    """Return a pod with what operations ask of it; None where it is not there. Raises a ClusterError."""
    right = Right("get", "pods", namespace=namespace, name=name)
    try:
        return api.get_as(_POD, f"{pods_path(namespace)}/{checked('pod', name)}", right)
    except MissingError:
        return None


def of_pod(pod: WholePod) -> Values:
    """Return the facts that the pod itself tells. Pure."""
    spec = pod.spec
    containers = [*spec.containers, *spec.init_containers]
    return {
        "privileged": any(each.security_context and each.security_context.privileged for each in containers),
        "host_namespaces": spec.host_network or spec.host_pid or spec.host_ipc,
        "host_paths": _host_paths(spec, containers),
        "runtime_class": spec.runtime_class_name or "none",
        "overhead_memory": spec.overhead.get("memory", "none"),
        "memory_requests": _amounts(spec.containers, "requests"),
        "memory_limits": _amounts(spec.containers, "limits"),
        "service_account": spec.service_account_name or "default",
        "token_mounted": any(m.mount_path == TOKEN_PATH for c in containers for m in c.volume_mounts),
    }


def beside(api: Api, pod: WholePod, absent: dict[str, str]) -> Values:
    """Return what else of the cluster it uses; why something is not known is added to `absent`."""
    namespace = pod.metadata.namespace
    found = {
        "services": known("services", lambda: _leading_to(pod, services(api, namespace)), absent),
        "network_policies": known(
            "network_policies", lambda: [each.metadata.name for each in policies(api, namespace)], absent
        ),
        "custom_resources": known(
            "custom_resources",
            lambda: [each.metadata.name for each in custom_resources(api) if _is_of_ours(each.metadata.name)],
            absent,
        ),
        "images": known("images", lambda: _images(api, pod), absent),
    }
    return {name: value for name, value in found.items() if value is not None}


def overhead(api: Api, pod: WholePod, absent: dict[str, str]) -> Values:
    """Return what the pod's runtime class reserves for it, where the pod does not say so itself."""
    name = pod.spec.runtime_class_name
    if not name or pod.spec.overhead:
        return {}
    classes = known("overhead_memory", lambda: runtime_classes(api, lambda _missing: None), absent)
    if classes is None or name not in classes:
        return {}
    return {"overhead_memory": classes[name].overhead.pod_fixed.get("memory", "none")}


def _is_of_ours(name: str) -> bool:
    return bool(SANDBOX_SYSTEMS.search(name))


def _host_paths(spec: WholeSpec, containers: Iterable[Container]) -> list[str]:
    paths = {each.name: each.host_path.path for each in spec.volumes if each.host_path is not None}
    return [
        f"{paths[mount.name]} at {mount.mount_path}{', read-only' if mount.read_only else ''}"
        for container in containers
        for mount in container.volume_mounts
        if mount.name in paths
    ]


def _amounts(containers: Iterable[Container], what: str) -> list[str]:
    return [
        f"{each.name} {getattr(each.resources, what).get('memory', 'none') if each.resources else 'none'}"
        for each in containers
    ]


def _leading_to(pod: WholePod, found: Iterable[Service]) -> list[str]:
    labels = pod.metadata.labels.items()
    return [
        f"{each.metadata.name} ({each.spec.type})"
        for each in found
        if each.spec.selector and each.spec.selector.items() <= labels
    ]


def _images(api: Api, pod: WholePod) -> list[str]:
    node = pod.spec.node_name
    right = Right("get", "nodes", name=node)
    images = api.get_as(_NODE, f"/api/v1/nodes/{checked('node', node)}", right).status.images or []
    sizes = {name: each.size_bytes for each in images for name in each.names or ()}
    return [_image(each.image, sizes) for each in pod.spec.containers]


def _image(name: str, sizes: dict[str, int]) -> str:
    full = next((each for each in sizes if each == name or each.endswith(f"/{name}")), None)
    return f"{name}, {human_bytes(sizes[full])}" if full else f"{name}, size not told by the node"
