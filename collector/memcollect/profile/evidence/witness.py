"""Who sees a sandbox from outside: the cluster's API and the agent of its node. Its methods raise nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from memcollect.documents.run import NodeEvidence
from memcollect.documents.snapshot import Missing
from memcollect.errors import ClusterError
from memcollect.evidence.port import Facts
from memcollect.profile.evidence.beside import claims, is_ending, known, services
from memcollect.profile.evidence.controllers import controllers
from memcollect.profile.evidence.operations import Values, beside, of_pod, overhead, whole
from memcollect.profile.node_evidence import Nodes
from memcollect.profile.sandboxes.source import Sandbox, Source
from memcollect.profile.tools import Workshop
from memcollect.sources.agent_pods import Deployment, find_agents
from memcollect.sources.agents import Limits, Target, fetch_sample
from memcollect.sources.plain import plain
from memcollect.sources.transport import Transport
from memcollect_agent.wire import Container, NodeSample, Pod, SampleRequest

_MOST_PROCESSES = 1000
_NOT_THERE = "the sandbox's pod was never seen"


class Placed(Protocol):
    """A provider whose sandboxes are pods."""

    @property
    def source(self) -> Source:
        """Where they come from."""

    @property
    def nodes(self) -> Mapping[str, str]:
        """Node by key, of those whose pod was seen."""

    def place(self, key: str) -> Sandbox:
        """Return a sandbox, whether it is there or not."""

    def called(self, key: str) -> str:
        """Return what names of objects that belong to it hold."""


class ClusterWitness:
    """Sees the provider's sandboxes. It has tools of its own, and one step at a time uses them."""

    def __init__(
        self,
        provider: Placed,
        workshop: Workshop,
        nodes: Callable[[Workshop], Nodes],
        deployment: Deployment,
        limits: Limits,
    ) -> None:
        self._provider = provider
        self._tools = workshop.tools()
        self._nodes = nodes(workshop)
        self._deployment = deployment
        self._limits = limits

    def close(self) -> None:
        """Close its connections."""
        self._tools.close()

    def processes(self, key: str, marker: str, seconds: float) -> Facts:
        """Count the sandbox's processes with `marker` on their command line."""
        request = SampleRequest(process_limit=_MOST_PROCESSES, sums=True)
        pod, why, _ = self._sample(key, request, seconds)
        if pod is None:
            return Facts(absent={"marked": why})
        containers = [*pod.containers, *pod.outside]
        lines = [each.command for container in containers for each in container.processes]
        unread = sum(line is None for line in lines)
        if unread:
            return Facts(absent={"marked": f"the agent could not read {unread} command lines"})
        return Facts(values={"marked": sum(marker in (line or "") for line in lines)})

    def memory(self, key: str, seconds: float) -> Facts:
        """Tell the limit of the container that commands run in, and how often the kernel has killed."""
        pod, why, _ = self._sample(key, SampleRequest(sums=False), seconds)
        if pod is None:
            return Facts(absent={"limit_bytes": why, "oom_kills": why})
        values: Values = {}
        absent = {}
        limit = self._limit(key, pod)
        if isinstance(limit, int):
            values["limit_bytes"] = limit
        else:
            absent["limit_bytes"] = "it has no limit of memory"
        # The pod's counts outlive the container's cgroup, which a kill may end.
        kills = (pod.cgroup.events or {}).get("oom_kill")
        if kills is None:
            absent["oom_kills"] = "the kernel gives no memory.events of the pod"
        else:
            values["oom_kills"] = kills
        return Facts(values=values, absent=absent)

    def left(self, keys: Sequence[str], seconds: float) -> Facts:  # noqa: ARG002 # each question has a limit of its own
        """Tell what is there of sandboxes: pods and Services by the API, the rest by the nodes' agents."""
        places = [self._provider.place(key) for key in keys]
        values: Values = {}
        absent: dict[str, str] = {}
        pods = known("pods", lambda: self._provider.source.look(self._tools, places), absent)
        if pods is not None:
            values["pods"] = len(pods)
            values["pods_ending"] = sum(is_ending(pod.metadata) for pod in pods.values())
        values |= self._beside(places, [self._provider.called(key) for key in keys], absent)
        values |= self._on_nodes(places, keys, absent, gone=pods is not None and not pods)
        if pods is None:
            absent |= dict.fromkeys(("cgroups", "processes"), f"whether its pod is gone: {absent['pods']}")
        return Facts(values=values, absent=absent, level="node" if "cgroups" in values else "cluster")

    def operations(self, key: str, seconds: float) -> Facts:
        """Tell what the sandbox needs of the cluster."""
        place = self._provider.place(key)
        absent: dict[str, str] = {}
        pod = known("pod", lambda: whole(self._tools.api, place.namespace, place.pod), absent)
        values: Values = {}
        if pod is not None:
            values |= of_pod(pod)
            values |= overhead(self._tools.api, pod, absent)
            values |= beside(self._tools.api, pod, absent)
        _, why, sample = self._sample(key, SampleRequest(sums=False), seconds)
        boot_id = sample.node.boot_id if sample is not None else None
        if boot_id:
            values["boot_id"] = boot_id
        else:
            absent["boot_id"] = why or "the agent does not tell it"
        found = known(
            "controllers",
            lambda: controllers(self._tools, self._deployment, self._limits, place.namespace),
            absent,
        )
        return Facts(
            values=values if found is None else {**values, "controllers": found},
            absent=absent,
            level="cluster",
        )

    def pod_address(self, key: str) -> str:
        """Return the address of its pod."""
        place = self._provider.place(key)
        try:
            pod = whole(self._tools.api, place.namespace, place.pod)
        except ClusterError:
            return ""
        return pod.status.pod_ip if pod is not None else ""

    def _beside(self, places: Sequence[Sandbox], keys: Sequence[str], absent: dict[str, str]) -> Values:
        namespace = places[0].namespace
        found = known("services", lambda: services(self._tools.api, namespace), absent)
        claimed = known("claims", lambda: claims(self._tools.api, namespace), absent)
        values: Values = {}
        if found is not None:
            values["services"] = sum(_names(each.metadata.name, keys) for each in found)
        if claimed is not None:
            own = [each.metadata for each in claimed if _names(each.metadata.name, keys)]
            values["claims"] = [each.name for each in own]
            values["claims_ending"] = sum(map(is_ending, own))
        return values

    def _on_nodes(
        self, places: Sequence[Sandbox], keys: Sequence[str], absent: dict[str, str], *, gone: bool
    ) -> Values:
        names = sorted({self._provider.nodes[key] for key in keys if self._provider.nodes.get(key)})
        uids = [each.uid for each in places if each.uid]
        if not names or not uids:
            absent |= dict.fromkeys(("cgroups", "processes", "dying_cgroups"), _NOT_THERE)
            return {}
        missing: list[Missing] = []
        found = self._nodes.look("after" if gone else "step", names, uids, missing)
        if len(found) < len(names):
            why = missing[0].detail if missing else "no agent answered"
            absent |= dict.fromkeys(("cgroups", "processes", "dying_cgroups"), why)
            return {}
        return _of_nodes(found, absent)

    def _sample(
        self, key: str, request: SampleRequest, seconds: float
    ) -> tuple[Pod | None, str, NodeSample | None]:
        """Return the sandbox's pod as its node's agent sees it, else why not; and the whole sample."""
        place, node = self._provider.place(key), self._provider.nodes.get(key, "")
        if not node or not place.uid:
            return None, _NOT_THERE, None
        limits = msgspec.structs.replace(self._limits, timeout=min(self._limits.timeout, seconds))
        missing: list[Missing] = []
        try:
            agents = find_agents(self._tools.api, missing.append, [node], self._deployment)
        except ClusterError as error:
            return None, plain(str(error)), None
        target = Target(node=node, agent=agents.get(node), pod_uids=[place.uid])
        transport: Transport = self._tools.transport
        answer = fetch_sample(target, request, transport, limits)
        if answer.sample is None:
            return None, answer.failure.detail if answer.failure else "the agent did not answer", None
        pod = next((each for each in answer.sample.pods if each.uid == place.uid), None)
        return pod, "" if pod else "the agent does not see its pod", answer.sample

    def _limit(self, key: str, pod: Pod) -> int | str | None:
        containers = [each for each in pod.containers if each.role == "container"]
        own = self._own(key, containers)
        limits = [each.cgroup.max_bytes for each in ([own] if own else containers)]
        known_limits = [each for each in limits if isinstance(each, int)]
        return max(known_limits) if known_limits else None

    def _own(self, key: str, containers: Sequence[Container]) -> Container | None:
        place = self._provider.place(key)
        try:
            pods = self._provider.source.look(self._tools, [place])
        except ClusterError:
            return None
        pod = pods.get(place.pod)
        statuses = pod.status.container_statuses if pod else []
        ids = {each.runtime_id for each in statuses if each.name == place.container}
        return next((each for each in containers if each.id in ids), None)


def _names(name: str, keys: Sequence[str]) -> bool:
    return any(key in name for key in keys)


def _of_nodes(found: Sequence[NodeEvidence], absent: dict[str, str]) -> Values:
    values: Values = {}
    for name, of in (
        ("cgroups", "leftover_cgroups"),
        ("dying_cgroups", "dying_cgroups"),
        ("pods_charge_bytes", "pods_charge_bytes"),
    ):
        numbers = [getattr(each, of) for each in found]
        told = [each for each in numbers if each is not None]
        if len(told) == len(numbers):
            values[name] = sum(told)
        else:
            absent[name] = next((each.absent[of] for each in found if of in each.absent), "not told")
    shims = next((each.absent["leftover_shims"] for each in found if "leftover_shims" in each.absent), "")
    if "cgroups" in values and not shims:
        values["processes"] = sum(len(each.leftover_processes) for each in found)
    else:
        absent["processes"] = shims or absent.get("cgroups", "not told")
    return values
