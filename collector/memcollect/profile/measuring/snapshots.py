"""A snapshot of the run's own pods, by the same code as `memcollect snapshot`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from memcollect.documents.moment import now_text
from memcollect.documents.snapshot import Scope, Snapshot, Tool
from memcollect.explain.summary import Totals
from memcollect.profile.sandboxes.source import Sandbox
from memcollect.profile.tools import Tools
from memcollect.reporters.json import render
from memcollect.services import default_table, with_services
from memcollect.sources.agent_pods import Deployment
from memcollect.sources.agents import Limits
from memcollect.sources.pods import Selection
from memcollect.sources.portforward import port_forwarding
from memcollect.taking.cluster import Collection, Plan
from memcollect_agent import __version__

PROCESS_LIMIT = 30
"""Listed per container: comparisons name the processes that a phase left behind."""


@dataclass(frozen=True)
class Taken:
    """A snapshot, and whether an interruption came before every node had answered."""

    snapshot: Snapshot
    interrupted: bool = False


def take(  # noqa: PLR0913, PLR0917 # what a snapshot takes
    tools: Tools,
    sandboxes: Sequence[Sandbox],
    label: str,
    deployment: Deployment,
    limits: Limits,
    stopped: Callable[[], bool],
) -> Taken:
    """Return the snapshot of these sandboxes. Raises a ClusterError where nothing can be listed."""
    names = [each.pod_name for each in sandboxes]
    plan = Plan(
        selection=Selection(names=names), deployment=deployment, process_limit=PROCESS_LIMIT, limits=limits
    )
    captured_at = now_text()
    collection = Collection(tools.api, plan, port_forwarding(tools.api.cluster), stopped=stopped)
    totals = Totals()
    pods = []
    for pod in collection.pods():
        totals.add(pod)
        pods.append(with_services(pod, default_table()))
    snapshot = Snapshot(
        tool=Tool(version=__version__),
        sample=label,
        captured_at=captured_at,
        finished_at=now_text(),
        mode="cluster",
        cluster=tools.api.cluster.context or "",
        cluster_uid=tools.cluster_uid,
        scope=Scope(namespaces=sorted({each.namespace for each in sandboxes}), names=names, processes=True),
        nodes=sorted(collection.nodes, key=lambda node: node.name),
        pods=sorted(pods, key=lambda pod: (pod.namespace or "", pod.name)),
        missing=collection.missing,
        summary=totals.summary(collection.nodes),
    )
    return Taken(snapshot, collection.interrupted)


def encoded(snapshot: Snapshot) -> bytes:
    """Return the snapshot as `memcollect snapshot --format json` writes it."""
    return render(snapshot).encode()


def images(snapshot: Snapshot) -> dict[str, list[str]]:
    """Return the image ids by container name."""
    found: dict[str, set[str]] = {}
    for pod in snapshot.pods:
        for container in pod.containers:
            if container.image_id:
                found.setdefault(container.name, set()).add(container.image_id)
    return {name: sorted(ids) for name, ids in found.items()}
