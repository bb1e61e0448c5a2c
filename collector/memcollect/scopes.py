"""The facts of a container, of a pod's own cgroup, and of a pod's app containers together. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from memcollect.composition import working_set_bytes
from memcollect.facts import Facts, MissingFactError, counted_kernel_bytes, gather, unread_count
from memcollect.interval import Interval, total
from memcollect.model import Container, Pod, Top
from memcollect.sums import add_sums
from memcollect.units import MIB
from memcollect_agent.wire import Cgroup, Node, ProcessSums

SHARED = ("node.cpus", "node.page_size")
HOST_CGROUP = "host-cgroup"
"""The provider of kubectl top's number whose parts the ladder can name."""
ADDED_UP = ("stat.inactive_file", "current", "lazyfree", "working_set", "cut_off")


def container_facts(container: Container, node: Node | None) -> Facts:
    """Return what is known of one container's cgroup."""
    facts = gather(container.cgroup, container.sums, node, cgroups=_cgroups(container.cgroup))
    if container.inside:
        facts = facts.extended({}, dict.fromkeys(("stat", "current", "procs"), container.inside))
    return _with_events(_with_top(_with_working_set(facts), container.top), container.cgroup, container.sums)


def pod_facts(pod: Pod, node: Node | None) -> Facts:
    """Return what is known of the pod's own cgroup, and of its children where the two must be compared."""
    facts = gather(pod.cgroup, pod_sums(pod), node, cgroups=_cgroups(pod.cgroup))
    values: dict[str, Interval] = {}
    reasons: dict[str, str] = {}
    children = [container.cgroup for container in pod.containers if container.cgroup is not None]
    _add_children(values, reasons, pod.containers, children)
    values["own.processes"] = Interval.exactly(_living(pod.own_sums))
    if pod.cgroup is not None:
        _add_own(values, pod.cgroup, children)
    return _with_events(facts.extended(values, reasons), pod.cgroup, pod_sums(pod))


def pod_sums(pod: Pod) -> ProcessSums | None:
    """Return the sums over every process of the pod, the pause container's included.

    None where a container's processes were not read: a sum of the others would look like a total.
    """
    if any(each.sums is None for each in pod.containers if is_there(each)):
        return None
    parts = [container.sums for container in pod.containers if container.sums is not None]
    if pod.own_sums is not None:
        parts.append(pod.own_sums)
    return add_sums(parts) if parts else None


def app_facts(pod: Pod, facts_by_name: Sequence[tuple[Container, Facts]]) -> Facts:
    """Return the app containers' facts added up, as kubectl top adds them; absent where one is."""
    values: dict[str, Interval] = {}
    reasons: dict[str, str] = {}
    running = [(c, f) for c, f in facts_by_name if is_there(c)]
    for name in SHARED:
        if running and name in running[0][1]:
            values[name] = running[0][1][name]
    for name in ADDED_UP:
        missing = [(c, f) for c, f in running if name not in f]
        if missing or not running:
            container, facts = missing[0] if missing else (None, None)
            reasons[name] = (
                f"container {container.name}: {facts.reason(name)}"
                if container and facts
                else _why_none(containers=[each for each, _ in facts_by_name])
            )
        else:
            values[name] = total(facts[name] for _, facts in running)
    return _with_top(Facts(values, reasons), pod.top)


def _why_none(containers: Sequence[Container]) -> str:
    inside = next((each.inside for each in containers if each.inside), "")
    return inside or "no container of this pod was measured"


def is_there(container: Container) -> bool:
    """Return whether the container has a cgroup, measured or not.

    One that ended or waits has none, nor one that lives in a guest.
    """
    return container.cgroup is not None or (container.state == "running" and not container.inside)


def _cgroups(cgroup: Cgroup | None) -> int:
    """Return how many cgroups may hold stock in this subtree: itself, living and dying descendants."""
    descendants = (cgroup.descendants if cgroup else None) or {}
    return 1 + descendants.get("nr_descendants", 0) + descendants.get("nr_dying_descendants", 0)


def _with_working_set(facts: Facts) -> Facts:
    try:
        working_set = working_set_bytes(facts)
        cut_off = working_set - (facts.exact("current") - facts.stat("inactive_file"))
        return facts.extended(
            {"working_set": Interval.exactly(working_set), "cut_off": Interval.exactly(cut_off)}
        )
    except MissingFactError as missing:
        return facts.extended({}, {"working_set": str(missing)})


def _with_top(facts: Facts, top: Top | None) -> Facts:
    values: dict[str, Interval] = {}
    reasons = {"top": "kubectl top was not asked", "working_set_at_sample": "no history at the sample's time"}
    if top is not None:
        reasons["top"] = top.detail or "kubectl top has no number"
        if top.memory_bytes is not None:
            values["top_raw"] = Interval.exactly(top.memory_bytes)
            values["top"] = Interval.exactly(top.memory_bytes // MIB * MIB)
            if top.provider != HOST_CGROUP:
                values["top_elsewhere"] = values["top_raw"]
        if top.working_set_at_sample_bytes is not None:
            values["working_set_at_sample"] = Interval.exactly(top.working_set_at_sample_bytes)
        if top.tolerance_bytes is not None:
            values["top_tolerance"] = Interval.exactly(top.tolerance_bytes)
    return facts.extended(values, reasons)


def _add_children(
    values: dict[str, Interval],
    reasons: dict[str, str],
    containers: Sequence[Container],
    children: Sequence[Cgroup],
) -> None:
    unseen = [c.name for c in containers if c.cgroup is None and is_there(c)]
    for key in ("anon", "file", "shmem", "kernel"):
        if unseen:
            reasons[f"children.{key}"] = f"container {unseen[0]} runs, but its cgroup was not measured"
            continue
        known = [_children_share(child.stat, key) for child in children if child.stat is not None]
        if len(known) == len(children) and None not in known:
            values[f"children.{key}"] = Interval.exactly(sum(value or 0 for value in known))
        else:
            reasons[f"children.{key}"] = "a child cgroup's memory.stat lacks it"
    for term, roles in (
        ("pause", {"pause"}),
        ("sandbox", {"sandbox"}),
        ("other_children", {"conmon", "unknown"}),
    ):
        charges = [c.cgroup.current_bytes for c in containers if c.role in roles and c.cgroup is not None]
        present = [charge for charge in charges if charge is not None]
        if len(present) == len(charges):
            values[term] = Interval.exactly(sum(present))
        else:
            reasons[term] = "memory.current of one of them was not read"


def _living(sums: ProcessSums | None) -> int:
    """Return how many processes were found at work, whether or not they could be read."""
    return sums.read + unread_count(sums) if sums is not None else 0


def _children_share(stat: dict[str, int], key: str) -> int | None:
    return counted_kernel_bytes(stat) if key == "kernel" else stat.get(key)


def _add_own(values: dict[str, Interval], cgroup: Cgroup, children: Sequence[Cgroup]) -> None:
    if cgroup.descendants is not None and "nr_dying_descendants" in cgroup.descendants:
        values["dying"] = Interval.exactly(cgroup.descendants["nr_dying_descendants"])
    brackets = [(each.current_bytes, each.current_again_bytes) for each in (cgroup, *children)]
    moved = sum(abs(again - first) for first, again in brackets if first is not None and again is not None)
    values["moved"] = Interval.exactly(moved)


def _with_events(facts: Facts, cgroup: Cgroup | None, sums: ProcessSums | None) -> Facts:
    """Add limits, event counts, swap and threads, under `limit.`, `events.`, `swap.` and plain names."""
    values: dict[str, int | None] = {}
    reasons: dict[str, str] = {}
    if cgroup is not None:
        for name in ("min", "low", "high", "max"):
            limit = getattr(cgroup, f"{name}_bytes")
            values[f"limit.{name}"] = limit if isinstance(limit, int) else None
            values[f"unlimited.{name}"] = 1 if limit == "max" else None
            reasons[f"limit.{name}"] = cgroup.absent.get(f"memory.{name}", f"memory.{name} was not read")
        for name in ("high", "max", "oom_kill"):
            reasons[f"events.{name}"] = cgroup.absent.get("memory.events", "memory.events was not read")
        values |= {f"events.{name}": count for name, count in (cgroup.events or {}).items()}
        values["swap.current"] = cgroup.swap.current_bytes
        values["limit.swap"] = cgroup.swap.max_bytes if isinstance(cgroup.swap.max_bytes, int) else None
        values["zswap.current"] = cgroup.zswap.current_bytes
        values["hugetlb"] = sum(cgroup.hugetlb.values()) if cgroup.hugetlb is not None else None
        values["current_again"] = cgroup.current_again_bytes
    if sums is not None:
        values["threads"] = sums.threads
        values["processes"] = sums.read
    return facts.extended(
        {name: Interval.exactly(value) for name, value in values.items() if value is not None}, reasons
    )
