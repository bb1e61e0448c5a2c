"""The limit that is a pod's: its own, or its only container's. Pure."""

from __future__ import annotations

from memcollect.documents.snapshot import Pod
from memcollect.join.roles import app_containers
from memcollect_agent.wire import Cgroup, Limit


def limited(pod: Pod) -> list[Cgroup]:
    """Return the cgroups whose limit is the pod's: its own, and its only container's."""
    apps = [each.cgroup for each in app_containers(pod) if each.cgroup is not None]
    return [*([pod.cgroup] if pod.cgroup is not None else []), *(apps if len(apps) == 1 else [])]


def limit_of(pod: Pod) -> Limit:
    """Return the pod's own limit in bytes, or its only container's where that is less.

    "max": it has none; Kubernetes gives the pod's cgroup one only where every container has one. None: it
    was not read.
    """
    if pod.summary is not None:
        return pod.summary.limit_bytes
    limits = [each.max_bytes for each in limited(pod)]
    known = [each for each in limits if isinstance(each, int) and each > 0]
    return min(known) if known else next((each for each in limits if each == "max"), None)
