"""Cgroups that sandbox runtimes make outside of Pods, by the shape of their paths. Pure.

    /kata_overhead/<id>                   Kata with sandbox_cgroup_only=false: VMM, shim, virtiofsd
    /cube_sandbox*/sandbox/…/<id>         CubeSandbox, which has no Pods at all
    /e2b/<name>                           E2B's orchestrator
    /firecracker/<id>                     Firecracker's jailer, unless it was given another parent

Seen in Kata's resource controller (src/runtime/pkg/resourcecontrol), the jailer's documentation
(--parent-cgroup) and, for CubeSandbox and E2B, in reports of their users.
"""

import re

from msgspec import Struct

_CUBE = re.compile(r"cube_sandbox[A-Za-z0-9_.-]*")
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.:-]{0,254}")


class SandboxPlace(Struct, frozen=True, kw_only=True):
    """What the path of such a cgroup says."""

    id: str
    runtime: str
    """"kata", "cube", "e2b" or "firecracker"; "" where only a process in it tells."""
    is_overhead: bool = False
    """Whether the cgroup is beside a pod's, and belongs to the pod of that sandbox id."""


def sandbox_at(path: str) -> SandboxPlace | None:
    """Return the sandbox whose cgroup `path` is, or None."""
    *above, parent, name = ["", "", *path.strip("/").split("/")]
    if not _NAME.fullmatch(name):
        return None
    if parent == "kata_overhead":
        return SandboxPlace(id=name, runtime="kata", is_overhead=True)
    if parent == "e2b":
        return SandboxPlace(id=name, runtime="e2b")
    if parent == "firecracker":
        return SandboxPlace(id=name, runtime="firecracker")
    if parent == "sandbox" and above and _CUBE.fullmatch(above[-1]):
        return SandboxPlace(id=name, runtime="cube")
    return None
