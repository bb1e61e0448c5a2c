"""From the path of a cgroup to what lives in it, by the path's shape alone. Pure.

A kubelet may run below any other cgroup (kind, nested clusters, --cgroup-root), so no prefix is
fixed: what counts is the name of a directory beside the name of its parent.

    systemd driver    …kubepods-burstable.slice/…kubepods-burstable-pod<uid>.slice/cri-containerd-<id>.scope
    cgroupfs driver   …/kubepods/burstable/pod<uid>/<id>

With the systemd driver the dashes of the uid are written as underscores.

Sources: kubelet's pkg/kubelet/cm (pod_container_manager_linux.go, cgroup_manager_linux.go), and the
names that containerd, CRI-O, cri-dockerd, podman, LXC and systemd-machined were seen to give.
"""

import re

from msgspec import Struct

from memcollect_agent.wire import CgroupTree

_QOS = {"": "Guaranteed", "burstable": "Burstable", "besteffort": "BestEffort"}
_UID = r"(?P<uid>[0-9A-Za-z_.-]{1,128})"
_SYSTEMD_POD = re.compile(
    rf"(?P<parent>(?:[^/]*-)?kubepods(?:-(?P<qos>burstable|besteffort))?)-pod{_UID}\.slice"
)
_CGROUPFS_POD = re.compile(rf"pod{_UID}")
_STRICT_UID = (
    r"(?P<uid>[0-9a-f]{8}(?P<dash>[-_])[0-9a-f]{4}(?:(?P=dash)[0-9a-f]{4}){2}(?P=dash)[0-9a-f]{12}"
    r"|[0-9a-f]{32})"
)
"""As the API makes one, or a static pod's hash: for where the parent's name does not vouch for it."""
_DEEPER_SYSTEMD_POD = re.compile(
    rf"(?P<parent>(?:[^/]*-)?kubepods(?:-(?P<qos>burstable|besteffort))?(?:-[^/]+)?)-pod{_STRICT_UID}\.slice"
)
_DEEPER_CGROUPFS_POD = re.compile(rf"pod{_STRICT_UID}")
_ID = r"(?P<id>[0-9a-f]{64}|[0-9a-f]{32})"
_PREFIXED = re.compile(rf"(?P<prefix>[A-Za-z][A-Za-z0-9_.-]*?)-{_ID}(?:\.scope)?")
_BARE = re.compile(_ID)
_MISMATCHED = re.compile(rf"(?P<slice>[^:]+\.slice):(?P<prefix>[A-Za-z][A-Za-z0-9_.-]*):{_ID}")
"""systemd's way to name a container (SLICE:PREFIX:NAME), made a directory by a runtime that is not told to
use systemd: the kubelet and the runtime have different drivers."""
_KATA = re.compile(rf"kata_{_ID}")
_USER = re.compile(
    r"user\.slice/user-(?P<uid>\d{1,10})\.slice/"
    r"(?:user@\d{1,10}\.service/(?:[^/]+\.slice/)*[^/]+\.(?:service|scope)|session-[^/]+\.scope)$"
)
"""A service or scope of a user's own systemd, or a login session (systemd, user@.service)."""
_CONTAINERD = frozenset({"default", "moby", "buildkit", "k8s.io"})
"""Namespaces of containerd, which are cgroups at the root: `ctr run` makes /NAMESPACE/ID (oci/spec.go), and
the id is whatever the user called the container."""
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})")


class PodPlace(Struct, frozen=True, kw_only=True):
    """What the path of a pod's cgroup says."""

    uid: str
    """With dashes, as the API writes it; for a static pod the hash of its configuration."""
    qos_class: str
    driver: str
    """"systemd" or "cgroupfs"."""


class ContainerPlace(Struct, frozen=True, kw_only=True):
    """What the name of a cgroup below a pod's says."""

    id: str | None
    runtime: str | None
    """"cri-containerd", "crio", "docker"; None with the cgroupfs driver of containerd and docker."""
    role: str
    """"container", "sandbox" (Kata's, with sandbox_cgroup_only), "conmon" (CRI-O's monitor) or "unknown"."""
    pod_uid: str | None = None
    """Where the name itself says which pod it is of."""


class UnitPlace(Struct, frozen=True, kw_only=True):
    """What the path of a cgroup outside Kubernetes says."""

    kind: str
    """"container" or "service"."""
    name: str
    """The container's id, the machine's name, or the service's name with ".service"."""
    id: str | None = None
    runtime: str | None = None
    driver: str | None = None


def pod_at(path: str) -> PodPlace | None:
    """Return the pod whose own cgroup `path` is, or None."""
    *above, parent, name = ["", "", *path.strip("/").split("/")]
    if match := _SYSTEMD_POD.fullmatch(name) or _DEEPER_SYSTEMD_POD.fullmatch(name):
        return _systemd_pod(match) if parent == f"{match['parent']}.slice" else None
    if match := _CGROUPFS_POD.fullmatch(name):
        qos = parent if parent in _QOS else ""
        root = above[-1] if qos else parent
        if root == "kubepods":
            return PodPlace(uid=match["uid"], qos_class=_QOS[qos], driver="cgroupfs")
    return _deeper_pod([*above, parent], name)


def _systemd_pod(match: re.Match[str]) -> PodPlace:
    # The kubelet escapes dashes, which systemd reads as levels of slices.
    uid = match["uid"].replace("_", "-")
    return PodPlace(uid=uid, qos_class=_QOS[match["qos"] or ""], driver="systemd")


def _deeper_pod(above: list[str], name: str) -> PodPlace | None:
    """Return the pod of a name below `kubepods` with levels between that somebody added."""
    match = _DEEPER_CGROUPFS_POD.fullmatch(name)
    if match is None or "kubepods" not in above:
        return None
    qos = next((part for part in reversed(above) if part in _QOS and part), "")
    return PodPlace(uid=match["uid"], qos_class=_QOS[qos], driver="cgroupfs")


def is_parent_of_pods(path: str) -> bool:
    """Return whether `path` is the cgroup that a kubelet puts all its pods into."""
    name = path.rsplit("/", 1)[-1]
    return name in {"kubepods", "kubepods.slice"} or name.endswith("-kubepods.slice")


def in_a_pod(path: str) -> bool:
    """Return whether `path` is a pod's cgroup or below one, for all its names tell.

    The path may be relative, as /proc/PID/cgroup shows it to a reader in a cgroup namespace of its own
    (cgroup_namespaces(7)), so that the names above a pod's may be missing.
    """
    names = path.split("/")
    return any(
        _DEEPER_SYSTEMD_POD.fullmatch(name) or _DEEPER_CGROUPFS_POD.fullmatch(name) for name in names
    ) or (any(pod_at("/".join(names[:end])) is not None for end in range(1, len(names) + 1)))


def holds_pods(path: str) -> bool:
    """Return whether a kubelet puts pods into this cgroup: that of all pods, or that of a QoS class."""
    if is_parent_of_pods(path):
        return True
    parent, _, name = path.rstrip("/").rpartition("/")
    is_class = name in _QOS or name.endswith(("kubepods-burstable.slice", "kubepods-besteffort.slice"))
    return bool(parent) and is_parent_of_pods(parent) and is_class


def has_unread(tree: CgroupTree) -> bool:
    """Return whether the tree lacks the number of a pod, or of what may be one.

    What is charged to a cgroup above and to none below it is then not what deleted pods left.
    """
    return bool(tree.left_out) or any(
        each.current_bytes is None and pod_at(each.path) for each in tree.cgroups
    )


def container_at(name: str) -> ContainerPlace:
    """Return what a directory is, by its name: below a pod's cgroup, or wherever else an id is borne."""
    if match := _BARE.fullmatch(name):
        return ContainerPlace(id=match["id"], runtime=None, role="container")
    if match := _KATA.fullmatch(name):
        return ContainerPlace(id=match["id"], runtime="kata", role="sandbox")
    if match := _MISMATCHED.fullmatch(name):
        pod = _SYSTEMD_POD.fullmatch(match["slice"]) or _DEEPER_SYSTEMD_POD.fullmatch(match["slice"])
        uid = _systemd_pod(pod).uid if pod else None
        return ContainerPlace(id=match["id"], runtime=match["prefix"], role="container", pod_uid=uid)
    if match := _PREFIXED.fullmatch(name):
        prefix = match["prefix"]
        role = "conmon" if prefix.endswith("conmon") else "container"
        return ContainerPlace(id=match["id"], runtime=prefix.removesuffix("-conmon"), role=role)
    return ContainerPlace(id=None, runtime=None, role="unknown")


def unit_at(path: str) -> UnitPlace | None:
    """Return the container, machine or service outside Kubernetes whose cgroup `path` is, or None."""
    parts = path.strip("/").split("/")
    name = parts[-1]
    parent = parts[-2] if len(parts) > 1 else ""
    return _container_unit(name, parent) or _machine(name, parent) or _containerds(parts) or _service(parts)


def _containerds(parts: list[str]) -> UnitPlace | None:
    if len(parts) != 2 or parts[0] not in _CONTAINERD or _CGROUPFS_POD.fullmatch(parts[1]):
        return None
    return UnitPlace(kind="container", name=parts[1], runtime="containerd", driver="cgroupfs")


def _container_unit(name: str, parent: str) -> UnitPlace | None:
    place = container_at(name)
    if place.role != "container" or place.id is None:
        return None
    driver = "systemd" if name.endswith(".scope") else "cgroupfs"
    runtime = place.runtime or ("docker" if parent == "docker" else "containerd")
    return UnitPlace(kind="container", name=place.id, id=place.id, runtime=runtime, driver=driver)


def _machine(name: str, parent: str) -> UnitPlace | None:
    if name.startswith("lxc.payload.") and len(name) > len("lxc.payload."):
        return UnitPlace(kind="container", name=name.removeprefix("lxc.payload."), runtime="lxc")
    if parent == "lxc":
        return UnitPlace(kind="container", name=name, runtime="lxc")
    for prefix, suffix in (("machine-", ".scope"), ("systemd-nspawn@", ".service")):
        if name.startswith(prefix) and name.endswith(suffix):
            machine = _unescaped(name[len(prefix) : -len(suffix)])
            return UnitPlace(kind="container", name=machine, runtime="systemd-machined", driver="systemd")
    return None


def _service(parts: list[str]) -> UnitPlace | None:
    *slices, name = parts
    if match := _USER.match("/".join(parts)):
        # Two users' services may have one name.
        within = f"user-{match['uid']}/"
        return UnitPlace(kind="service", name=within + _unescaped(name), driver="systemd")
    in_system = (
        bool(slices) and slices[0] == "system.slice" and all(part.endswith(".slice") for part in slices)
    )
    if in_system and name.endswith(".service") and name != ".service":
        return UnitPlace(kind="service", name=_unescaped(name), driver="systemd")
    return None


def _unescaped(name: str) -> str:
    # systemd.unit(5): in a unit's name other characters are written \xNN.
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), name)
