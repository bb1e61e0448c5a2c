"""What the guard judges by: facts about either side of a pair, or the reason why one is not known. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from memcollect.compare import circumstances
from memcollect.compare.cells import Group
from memcollect.compare.facts import Fact, Unknown
from memcollect.compare.inputs import Observation
from memcollect.compare.values import IN_SUMMARY, RESIDUAL, measured_pods, pod_values
from memcollect.documents.snapshot import Container, Pod
from memcollect.join.roles import app_containers, lives_in_guest
from memcollect_agent.wire import Cgroup, Node

GOOD_BEFORE = frozenset({"ok", "did-not-settle", "skipped"})
"""Statuses of phases that did all of their work, or none; what comes after them knows what it stands on."""


RUNS = frozenset({"Running", "", None})
"""A pod's phase while it works, or where nobody asked for it."""
HUGE_PAGES = "transparent_hugepage"
MERGING = 1
"""/sys/kernel/mm/ksm/run: 0 stopped, 2 takes apart again what was merged."""


def side_facts(
    group: Group, gaps: Sequence[str], problems: Sequence[str], providers: frozenset[str] = frozenset()
) -> dict[str, Fact]:
    """Return one side's facts; `gaps` is what is not there of it, `problems` what is wrong with files.

    `providers` are those of its backend's other phases: a sandbox that has just been made is not in kubectl
    top yet, and who will feed it there is no matter of its age.
    """
    pods = [(each, pod) for each in group.observations for pod in measured_pods(each.snapshot.pods)]
    repeats = list(group.repeats().values())
    counts = [sum(len(measured_pods(each.snapshot.pods)) for each in some) for some in repeats]
    return {
        "files": frozenset(problems),
        "phase": True,
        "repeats": sum(1 for count in counts if count),
        "pods": frozenset(counts),
        "spread": circumstances.spread(repeats),
        "namespaces": circumstances.namespaces(repeats),
        "cluster": circumstances.cluster(group.observations),
        "ages": circumstances.ages(repeats),
        "missing": (*gaps, *_missing(group.observations)),
        "status": _all(group.observations, lambda each: each.status, "no run says how the phase ended"),
        "earlier": _earlier(group.observations),
        "shared_pods": frozenset(_in_several(repeats)),
        "settled": _all(
            group.observations, lambda each: each.settled, "no run says whether memory had come to rest"
        ),
        "settle_rule": _all(
            group.observations, lambda each: each.settle_rule, "no run says what counted as at rest"
        ),
        "workload": _all(group.observations, _workloads, "no run says what was done in it"),
        "architecture": _nodes(pods, lambda node: node.architecture),
        "kernel": _nodes(pods, lambda node: node.kernel),
        "thp": _nodes(pods, lambda node: _setting(node, HUGE_PAGES, node.transparent_hugepage)),
        "swap": _nodes(pods, _swap),
        "ageing": _nodes(pods, lambda node: _setting(node, "lru_gen", node.lru_gen)),
        "merging": _nodes(pods, lambda node: _setting(node, "ksm_run", _merges(node))),
        "memory_total": _nodes(pods, lambda node: (node.meminfo or {}).get("MemTotal")),
        "page_size": _nodes(pods, lambda node: node.page_size_bytes),
        "cpus": _nodes(pods, lambda node: node.cpus),
        "runtime": _all(pods, lambda each: each[1].runtime.family, "no pod was measured"),
        "cgroup_version": _nodes(pods, circumstances.cgroup_version),
        "driver": _all(pods, lambda each: each[1].driver, "the shape of the cgroup paths did not tell"),
        "image": _containers(pods, lambda each: each.image_id or None, "nothing says which image it runs"),
        "requests": _resources(pods, lambda each: each.requests),
        "limits": _resources(pods, lambda each: each.limits),
        "enforced": circumstances.enforced(pods),
        "not_in_force": frozenset(circumstances.not_in_force([pod for _, pod in pods])),
        "slowed": circumstances.slowed([pod for _, pod in pods]),
        "reclaimed": circumstances.reclaimed(pods),
        "provider": _providers(pods, providers),
        "killed": frozenset(_killed(pods)),
        "elsewhere": _elsewhere(pods),
        "residual": _residual([pod for _, pod in pods]),
    }


def _all(items: Iterable[Any], of: Callable[[Any], Any], reason: str) -> Fact:
    """Return every value that occurs; Unknown where one item has none, or there is no item."""
    values = [of(item) for item in items]
    if not values or any(value is None for value in values):
        return Unknown(reason)
    return frozenset(values)


def _workloads(observation: Observation) -> tuple[tuple[str, str], ...] | None:
    if observation.workloads is None:
        return None
    known = [(phase, sha256) for phase, sha256 in observation.workloads if sha256 is not None]
    return tuple(known) if len(known) == len(observation.workloads) else None


def _earlier(observations: Iterable[Observation]) -> Fact:
    """Return what went wrong before in the same sandboxes, e.g. "after-node: timed-out"."""
    told = [each.earlier for each in observations]
    if any(each is None for each in told):
        return Unknown("no run says what was done before")
    return frozenset(
        f"{phase}: {status}" for each in told if each for phase, status in each if status not in GOOD_BEFORE
    )


def _in_several(repeats: Sequence[Sequence[Observation]]) -> Iterator[str]:
    """Yield the names of pods, by UID, that were measured in more than one repeat."""
    seen: set[str] = set()
    for some in repeats:
        pods = {pod.uid: pod.name for each in some for pod in measured_pods(each.snapshot.pods)}
        yield from (name or uid for uid, name in pods.items() if uid in seen)
        seen |= pods.keys()


def _nodes(pods: Sequence[tuple[Observation, Pod]], of: Callable[[Node], Any]) -> Fact:
    nodes: dict[int, Node | None] = {}
    for observation, pod in pods:
        found = next((node for node in observation.snapshot.nodes if node.name == pod.node), None)
        nodes[id(found)] = found
    if None in nodes.values():
        return Unknown("a pod's node is not described in its snapshot")
    return _all(nodes.values(), of, "the node did not tell")


def _swap(node: Node) -> str | None:
    """Return whether there is swap; what zswap holds of it is charged like other memory."""
    if not node.swap_devices:
        return None if node.swap_devices is None else "off"
    packed = _setting(node, "zswap_enabled", node.zswap_enabled)
    return None if packed is None else "on, with zswap" if packed == "on" else "on"


def _merges(node: Node) -> bool | None:
    return None if node.ksm_run is None else node.ksm_run == MERGING


def _setting(node: Node, field_name: str, value: bool | str | None) -> str | None:  # noqa: FBT001 (as the node tells it)
    """Return a setting of the kernel; without the file it has none, where /sys was there to be read."""
    if value is not None:
        return value if isinstance(value, str) else "on" if value else "off"
    absent = node.absent.get(field_name, "").startswith("there is no ")
    return "none in this kernel" if absent and node.cpus is not None else None


def _providers(pods: Sequence[tuple[Observation, Pod]], others: frozenset[str]) -> Fact:
    known = providers_of(pod for _, pod in pods)
    if len([pod for _, pod in pods if _provider(pod)]) < len(pods):
        known |= others
    return known or Unknown("kubectl top showed nothing of this backend in any phase")


def providers_of(pods: Iterable[Pod]) -> frozenset[str]:
    """Return who feeds kubectl top, of the pods of which it shows a number."""
    return frozenset(provider for provider in map(_provider, pods) if provider is not None)


def _provider(pod: Pod) -> str | None:
    top = pod.top
    return top.provider if top is not None and top.memory_bytes is not None and top.provider else None


def _containers(
    pods: Sequence[tuple[Observation, Pod]], of: Callable[[Container], str | None], reason: str
) -> Fact:
    """Return each pod's containers with what holds of them; those that ended long ago count too."""
    if any(pod.summary is not None for _, pod in pods):
        return Unknown(IN_SUMMARY)
    found = [[(each.name, of(each)) for each in app_containers(pod)] for _, pod in pods]
    if not any(found) or any(value is None for each in found for _, value in each):
        return Unknown(reason)
    return frozenset(tuple(sorted((name, str(value)) for name, value in each)) for each in found)


def _resources(pods: Sequence[tuple[Observation, Pod]], of: Callable[[Container], dict[str, str]]) -> Fact:
    """Return each pod's quantities as the API writes them (it writes equal ones alike)."""
    if not pods:
        return Unknown("no pod was measured")
    if any(pod.summary is not None for _, pod in pods):
        return Unknown(IN_SUMMARY)
    if any(observation.snapshot.mode == "local" for observation, _ in pods):
        return Unknown("a snapshot of one machine does not ask Kubernetes")
    return frozenset(
        tuple(sorted((each.name, *sorted(of(each).items())) for each in app_containers(pod)))
        for _, pod in pods
    )


def _killed(pods: Iterable[tuple[Observation, Pod]]) -> Iterator[str]:
    """Yield whatever lost memory by an end that nobody asked for."""
    for _, pod in pods:
        if pod.phase not in RUNS:
            yield f"{pod.name} was {pod.phase}"
        yield from circumstances.ended(pod)
        for each in app_containers(pod):
            if each.restarts:
                yield f"{each.name} was restarted"
            elif _lost(each.cgroup):
                yield f"{each.name} lost a process to the OOM killer"
        # Kills in containers that are gone since, and in what is no container, its own cgroup alone counts.
        if _lost(pod.cgroup) and not any(_lost(each.cgroup) for each in app_containers(pod)):
            yield f"{pod.name} lost a process to the OOM killer"


def _lost(cgroup: Cgroup | None) -> bool:
    return cgroup is not None and bool((cgroup.events or {}).get("oom_kill"))


def _elsewhere(pods: Iterable[tuple[Observation, Pod]]) -> Fact:
    """Return the most that a pod holds where no working set and no charge counts it."""
    largest = 0
    for observation, pod in pods:
        node = next((each for each in observation.snapshot.nodes if each.name == pod.node), None)
        cgroup = pod.cgroup
        if cgroup is None or node is None:
            continue
        swapped = cgroup.swap.current_bytes
        if node.swap_devices and swapped is None:
            return Unknown("the kernel does not tell what of a pod is swapped out")
        counted = "memory_hugetlb_accounting" in node.cgroup_mount_options
        huge = 0 if counted else sum((cgroup.hugetlb or {}).values())
        largest = max(largest, (swapped or 0) + huge)
    return largest


def _residual(pods: Sequence[Pod]) -> Fact:
    values = [pod_values(pod).get(RESIDUAL, 0) for pod in pods]
    unknown = next(
        (value for value in values if isinstance(value, str)), "" if pods else "no pod was measured"
    )
    return Unknown(unknown) if unknown else max(abs(value) for value in values if isinstance(value, int))


def _missing(observations: Iterable[Observation]) -> Iterator[str]:
    """Yield the pods that a snapshot does not name among what it lacks, which stands among the gaps."""
    for each in observations:
        named = {missing.name.rpartition("/")[2] for missing in each.snapshot.missing}
        for pod in each.snapshot.pods:
            if pod.composition is None and pod.name not in named and not lives_in_guest(pod):
                yield f"pod {pod.name} ({pod.unmeasured or 'not measured'})"
