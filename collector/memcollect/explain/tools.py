"""What other tools show of a container or service outside Kubernetes, and why it is another number. Pure.

docker stats            memory.current − inactive_file (docker/cli, cli/command/container/stats_helpers.go)
podman stats            anonymous memory alone, without any cache (seen on Debian's 4.9 and 5.4)
systemctl show, status  memory.current (systemd, src/core/cgroup.c)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from memcollect.documents.snapshot import Finding, Pod
from memcollect.units import human_bytes
from memcollect_agent.wire import Cgroup


@dataclass(frozen=True)
class Tool:
    """A tool's own number: how it is called, what it shows of a cgroup, and what that is."""

    name: str
    shows: Callable[[Cgroup], int | None]
    is_what: str
    formula: str


def _working_set(cgroup: Cgroup) -> int | None:
    inactive = (cgroup.stat or {}).get("inactive_file")
    if cgroup.current_bytes is None or inactive is None:
        return None
    # Where the cache is the larger, docker leaves nothing out.
    return cgroup.current_bytes - inactive if inactive < cgroup.current_bytes else cgroup.current_bytes


DOCKER = Tool(
    "docker stats",
    _working_set,
    "what is charged without the cache that was read once or long ago, as kubectl top counts",
    "memory.current − inactive_file",
)
PODMAN = Tool(
    "podman stats",
    lambda cgroup: (cgroup.stat or {}).get("anon"),
    "anonymous memory alone: it leaves out all cache, tmpfs and kernel memory",
    "memory.stat anon",
)
SYSTEMCTL = Tool(
    "systemctl status",
    lambda cgroup: cgroup.current_bytes,
    "all that is charged, cache included (MemoryCurrent)",
    "memory.current",
)


def find_tools(pod: Pod) -> list[Finding]:
    """Return what the tool people look at shows of it; nothing of a pod."""
    tool = _tool_of(pod)
    shown = tool.shows(pod.cgroup) if tool is not None and pod.cgroup is not None else None
    if tool is None or shown is None:
        return []
    return [
        Finding(
            cause="other_tool",
            scope="pod",
            low_bytes=shown,
            high_bytes=shown,
            estimate_bytes=shown,
            confidence="inferred",
            severity="info",
            sentence=f"{tool.name} shows about {human_bytes(shown)} of it: {tool.is_what}.",
            evidence=f"{tool.formula} {shown}",
        )
    ]


def _tool_of(pod: Pod) -> Tool | None:
    if pod.kind == "service":
        return SYSTEMCTL
    if pod.kind != "container" or pod.cgroup is None:
        return None
    *_, parent, leaf = ["", *pod.cgroup.path.split("/")]
    if leaf.startswith("libpod-") or parent == "libpod_parent":
        return PODMAN
    return DOCKER if leaf.startswith("docker-") or parent == "docker" else None
