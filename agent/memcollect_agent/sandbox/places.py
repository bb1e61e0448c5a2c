"""Cgroups that sandbox runtimes make outside of Pods, by the shape of their paths. Pure.

    /kata_overhead/<id>                   Kata with sandbox_cgroup_only=false: VMM, shim, virtiofsd
    /kata_overhead/<the pod's path>/<id>  the same of Kata's Rust runtime, which keeps the path it was given
    /cube_sandbox*/sandbox/…/<id>         CubeSandbox, which has no Pods at all
    /e2b/<name>                           E2B's orchestrator
    /firecracker/<id>                     Firecracker's jailer, unless it was given another parent

Seen in Kata's resource controllers (src/runtime/pkg/resourcecontrol and, for the Rust runtime,
src/runtime-rs/crates/resource/src/cgroups), the jailer's documentation
(--parent-cgroup) and, for CubeSandbox and E2B, in reports of their users.
"""

import re

from msgspec import Struct

_CUBE = re.compile(r"cube_sandbox[A-Za-z0-9_.-]*")
_KATA_ID = re.compile(r"(?:.*[:_-])?([0-9a-f]{32,64})(?:\.scope)?")
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.:-]{0,254}")


class SandboxPlace(Struct, frozen=True, kw_only=True):
    """What the path of such a cgroup says."""

    id: str
    runtime: str
    """"kata", "cube", "e2b" or "firecracker"; "" where only a process in it tells."""
    is_overhead: bool = False
    """Whether the cgroup is beside a pod's, and belongs to the pod of that sandbox id."""


def in_kata_overhead(path: str) -> bool:
    """Return whether `path` is below Kata's overhead cgroup, where even a pod's path is no pod."""
    return "kata_overhead" in path.strip("/").split("/")[:-1]


def sandbox_at(path: str) -> SandboxPlace | None:
    """Return the sandbox whose cgroup `path` is, or None."""
    *above, parent, name = ["", "", *path.strip("/").split("/")]
    if not _NAME.fullmatch(name):
        return None
    if in_kata_overhead(path):
        match = _KATA_ID.fullmatch(name)
        return SandboxPlace(id=match[1], runtime="kata", is_overhead=True) if match else None
    if parent == "e2b":
        return SandboxPlace(id=name, runtime="e2b")
    if parent == "firecracker":
        return SandboxPlace(id=name, runtime="firecracker")
    if parent == "sandbox" and above and _CUBE.fullmatch(above[-1]):
        return SandboxPlace(id=name, runtime="cube")
    return None
