"""Cgroups that sandbox runtimes make outside of Pods, by the shape of their paths. Pure.

    /kata_overhead/<id>                                 Kata with sandbox_cgroup_only=false (2.3 and later)
    /kata.slice/kata-overhead.slice/runtime-rs-<id>.scope  the same of its Rust runtime from 3.20 on, where
                                                        systemd drives
    /kata_overhead/<the pod's path>/<id>                as its documents have it
    /cube_sandbox*/sandbox/…/<id>                       CubeSandbox, which has no Pods at all
    /e2b/<name>                                         E2B's orchestrator
    /firecracker/<id>                                   Firecracker's jailer, unless given another parent

Kata's by the source of its releases 2.0.0 to 4.1.0 (virtcontainers/sandbox.go, createResourceController;
runtime-rs/crates/resource/src/cgroups/utils.rs, gen_overhead_path; and how cgroups-rs makes a unit's path
of it); the jailer's by its documentation (--parent-cgroup); CubeSandbox's and E2B's by reports of users.
"""

import re

from msgspec import Struct

_KATA_OVERHEAD = frozenset({"kata_overhead", "kata-overhead.slice"})
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
    return not _KATA_OVERHEAD.isdisjoint(path.strip("/").split("/")[:-1])


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
