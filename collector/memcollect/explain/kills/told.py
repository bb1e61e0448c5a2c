"""Kills as findings: how many processes, where, for whose limit, and what helps. Pure."""

from __future__ import annotations

from memcollect.documents.snapshot import Container, Finding, Pod, Undecided
from memcollect.explain.holder import Holder
from memcollect.explain.kills.before import before_kill
from memcollect.explain.kills.counts import Kill, Level, kills_of
from memcollect.explain.kills.endings import OOM_KILLED, find_endings, was_killed
from memcollect.explain.places import short
from memcollect.join.roles import app_containers
from memcollect.units import human_bytes
from memcollect_agent.wire import Node

NO_LIMIT_HELPS = (
    "No higher limit for this pod helps. A memory request near what it uses makes it be chosen later;"
)
ABOVE_REMEDY = f"{NO_LIMIT_HELPS} let fewer pods share the node, or reserve less of it, so that all fit."
RAISE_OR_DELETE = (
    "The pod's limit is the sum of its containers' unless it has one of its own: raise that of the"
    " container that grew, or delete files in tmpfs, which stay charged to the pod."
)
FIND_WHAT_GREW = "Raise this limit, or find what grew: see the composition above."
NODE_REMEDY = (
    f"{NO_LIMIT_HELPS} requests that cover what pods use, and memory reserved for the system, keep the node"
    " from being overbooked."
)
UNKNOWN_REMEDY = f"{NO_LIMIT_HELPS} the kernel's log on the node names the cgroup (oom_memcg)."


def find_kills(pod: Pod, node: Node | None, holder: Holder) -> tuple[list[Finding], list[Undecided]]:
    """Return the findings on what was killed, ended, evicted, or does not run; and what no counter told."""
    ancestors = node.ancestors if node is not None else None
    kills = [_finding(pod, kill, node, holder) for kill in kills_of(pod, ancestors)]
    return [*kills, *find_endings(pod, node)], _undecided(pod)


def _undecided(pod: Pod) -> list[Undecided]:
    for cgroup in (pod.cgroup, *(each.cgroup for each in pod.containers)):
        if cgroup is not None and "oom_kill" not in (cgroup.events or {}):
            reason = cgroup.absent.get("memory.events", "memory.events was not read")
            return [Undecided(name="oom_kill", missing="events.oom_kill", reason=reason)]
    return []


def _finding(pod: Pod, kill: Kill, node: Node | None, holder: Holder) -> Finding:
    return Finding(
        cause="oom_kill",
        scope=kill.victim or "pod",
        severity="critical",
        confidence="measured" if kill.certain else "inferred",
        sentence=f"The OOM killer ended {_processes(kill)} {_where(pod, kill)}{_why(pod, kill, node)}"
        + before_kill(pod, kill, kill.victim or gone_container(pod)),
        evidence=_evidence(kill, node),
        remedy=_remedy(kill, holder),
    )


def _processes(kill: Kill) -> str:
    count = kill.processes
    if count.is_exact or kill.counted - count.low == 1:
        return f"{count.low} process{'' if count.low == 1 else 'es'}"
    return f"{count.low} to {count.high} processes"


def _where(pod: Pod, kill: Kill) -> str:
    if pod.kind != "pod":
        return "in it"
    if kill.victim == "pod":
        return "of the pod outside of its containers"
    if kill.victim:
        return f"in container {kill.victim}{_living_on(kill)}" if _lives(pod, kill) else f"in {kill.victim}"
    name = gone_container(pod)
    if name is None:
        return "of containers that are gone"
    ran_once = any(
        each.name == name and each.state == "terminated" and not each.restarts for each in pod.containers
    )
    return f"in container {name}, which has ended" if ran_once else f"of earlier runs of container {name}"


def _living_on(kill: Kill) -> str:
    # "…, which lives on, for want of memory", but "…, which lives on: its own limit".
    return ", which lives on" + ("" if kill.blame in ("container", "pod") else ",")


def _lives(pod: Pod, kill: Kill) -> bool:
    found = next((each.sums for each in pod.containers if each.name == kill.victim), None)
    return found is not None and found.listed > 0


def gone_container(pod: Pod) -> str | None:
    """Return the only container that can have been killed before: the others never ended so."""
    ended = [each for each in app_containers(pod) if _was_oom_killed(each)]
    restarted = [each for each in app_containers(pod) if each.restarts]
    found = ended or restarted
    return found[0].name if len(found) == 1 else None


def _was_oom_killed(container: Container) -> bool:
    end = container.last_termination
    return end is not None and (end.reason == OOM_KILLED or was_killed(end))


def _why(pod: Pod, kill: Kill, node: Node | None) -> str:
    if kill.blame == "node":
        return (
            f" for want of memory on the node{_or_on_a_part(node)}: neither a limit of this pod nor one above"
            " it was reached."
        )
    if kill.blame == "unknown":
        return (
            " for a limit above this pod or for want of memory on the node: none of its own was reached, and"
            " this snapshot does not say which of the two it was."
        )
    if kill.blame == "above":
        others = f", and so {'was' if len(kill.others) == 1 else 'were'} {len(kill.others)} more"
        return (
            f" for a limit above this pod: {name_level(kill.level)} was reached"
            f"{others if kill.others else ''}; none of the pod's own was."
        )
    return f": {_own_limit(pod, kill)} was reached{_peak(kill.level)}."


def _or_on_a_part(node: Node | None) -> str:
    """Return that a NUMA node may have been without memory: what is bound to it takes none of the others.

    The kubelet's Memory Manager binds so (cpuset.mems), and no counter tells such a kill from others
    (mm/oom_kill.c, constrained_alloc).
    """
    nodes = (node.memory_nodes if node is not None else None) or 1
    return f", or on those of its {nodes} NUMA nodes that it may use" if nodes > 1 else ""


def _own_limit(pod: Pod, kill: Kill) -> str:
    level = kill.level
    if kill.blame == "pod":
        return f"the pod's limit{_size(level)}"
    if level is None:
        name = gone_container(pod)
        limit = next((each.limits.get("memory") for each in pod.containers if each.name == name), None)
        return f"the container's own limit{f' of {limit}' if limit else ''}"
    if level.kind == "inside":
        return "a limit that was set inside of it"
    return f"its own limit{_size(level)}"


def _size(level: Level | None) -> str:
    if level is None:
        return ""
    if level.limit_bytes is None:
        return ", which it no longer has,"
    return f" of {human_bytes(level.limit_bytes)}"


def _peak(level: Level | None) -> str:
    if level is None or level.peak_bytes is None or level.limit_bytes is None:
        return ""
    if level.peak_bytes < level.limit_bytes or human_bytes(level.peak_bytes) == human_bytes(
        level.limit_bytes
    ):
        return ""
    return f" (its peak is {human_bytes(level.peak_bytes)})"


def name_level(level: Level | None) -> str:
    """Return whose limit above a pod it is, with its path and size."""
    if level is None:
        return "an unknown one"
    names = {"pods": "that of all pods together", "qos": "that of all pods of its QoS class"}
    size = f", {human_bytes(level.limit_bytes)}" if level.limit_bytes is not None else ""
    name = names.get(level.kind)
    path = short(level.path)
    return f"{name} ({path}{size})" if name else f"that of {path}{size}"


def _evidence(kill: Kill, node: Node | None) -> str:
    parts = [f"oom_kill {kill.counted}"]
    if not kill.processes.is_exact:
        parts.append("a kill of a whole group (memory.oom.group) counts its victim twice")
    if kill.blame in ("container", "pod"):
        parts += [f"oom {kill.ooms}"] if kill.ooms else []
    else:
        parts.append("oom 0 in it and in its pod")
    if kill.level is not None:
        where = f" of {kill.level.path}" if kill.blame == "above" else ""
        parts += [f"memory.events.local{where}: max {kill.level.hits}"] if kill.level.hits is not None else []
        parts += [f"memory.peak {kill.level.peak_bytes}"] if kill.level.peak_bytes is not None else []
        parts += [f"also {each.path}" for each in kill.others]
    vmstat = (node.vmstat or {}).get("oom_kill") if node is not None else None
    if kill.blame in ("node", "unknown") and vmstat is not None:
        parts.append(f"oom_kill of the node's vmstat {vmstat}")
    return "; ".join(parts)


def _remedy(kill: Kill, holder: Holder) -> str:
    if kill.blame == "node":
        return NODE_REMEDY
    if kill.blame == "above":
        return ABOVE_REMEDY
    if kill.blame == "unknown":
        return UNKNOWN_REMEDY
    return _own_remedy(kill, holder)


def _own_remedy(kill: Kill, holder: Holder) -> str:
    level = kill.level
    if level is not None and level.kind == "inside":
        return "The limit was set by what runs inside of the container (systemd, Docker): look for it there."
    if level is not None and level.limit_bytes is None:
        return "That limit is no longer in force: nothing is to be raised."
    return holder.free or (RAISE_OR_DELETE if kill.blame == "pod" else FIND_WHAT_GREW)
