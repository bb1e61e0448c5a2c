"""The facts of a container, of a pod's own cgroup, and of a pod's app containers together. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter, itemgetter

from memcollect.accounting.composition import working_set_bytes
from memcollect.accounting.facts import (
    ABOVE,
    Facts,
    MissingFactError,
    counted_kernel_bytes,
    gather,
    names_below,
    unread_count,
)
from memcollect.accounting.interval import total
from memcollect.accounting.sums import add_sums
from memcollect.accounting.swap_room import swap_limit, used_share, zswap_limit
from memcollect.documents.snapshot import Container, Pod, Top
from memcollect.units import MIB
from memcollect_agent.wire import Cgroup, Node, ProcessSums

SHARED = ("node.cpus", "node.page_size")
ELSEWHERE = "the pod's own cgroup does not hold its containers: they were found elsewhere by their ids"
HOST_CGROUP = "host-cgroup"
"""The provider of kubectl top's number whose parts the ladder can name."""
ADDED_UP = ("stat.inactive_file", "current", "lazyfree", "working_set", "cut_off")
AS_INTERVALS = frozenset({"lazyfree"})
_OF_CHILDREN = tuple(
    (key, f"children.{key}") for key in ("anon", "file", "shmem", "kernel", "slab_reclaimable")
)
_OTHER_CHILDREN = (
    ("pause", frozenset({"pause"})),
    ("sandbox", frozenset({"sandbox"})),
    ("monitors", frozenset({"conmon"})),
    ("other_children", frozenset({"unknown"})),
)
_KINDS_OF_LIMITS = ("min", "low", "high", "max")
_LIMITS = tuple((f"limit.{kind}", f"unlimited.{kind}", f"memory.{kind}") for kind in _KINDS_OF_LIMITS)
_LIMITS_OF = attrgetter(*(f"{kind}_bytes" for kind in _KINDS_OF_LIMITS))
_IN_SWAP = ("swap.current", "limit.swap")
_IN_ZSWAP = ("zswap.current", "limit.zswap", "zswap.writeback")
_AVERAGES = ("avg10", "avg60", "avg300")
_AVERAGES_OF = attrgetter(*_AVERAGES)


def container_facts(container: Container, node: Node | None, above: Sequence[Cgroup] = ()) -> Facts:
    """Return what is known of one container's cgroup; `above` are those whose limits hold for it."""
    cgroup, sums = container.cgroup, container.sums
    facts = gather(cgroup, sums, node, cgroups=_cgroups(cgroup))
    if container.inside:
        facts.reasons.update(dict.fromkeys(("stat", "current", "procs"), container.inside))
    _add_working_set(facts)
    _add_top(facts, container.top)
    _add_events(facts, cgroup)
    _add_tasks(facts, sums)
    _add_above(facts, above)
    return facts


def pod_facts(pod: Pod, node: Node | None, above: Sequence[Cgroup] = ()) -> Facts:
    """Return what is known of the pod's own cgroup, and of its children where the two must be compared.

    `above` are the cgroups whose limits hold for it.
    """
    sums = pod_sums(pod)
    if any(each.elsewhere for each in pod.containers):
        facts = gather(None, sums, node)
        facts.reasons.update(dict.fromkeys(("stat", "current"), ELSEWHERE))
    else:
        facts = gather(pod.cgroup, sums, node, cgroups=_cgroups(pod.cgroup))
    children = [container.cgroup for container in pod.containers if container.cgroup is not None]
    _add_children(facts, pod.containers, children)
    facts["own.processes"] = _living(pod.own_sums)
    if pod.cgroup is not None:
        _add_own(facts, pod.cgroup, children)
        _add_above(facts, above)
    _add_events(facts, pod.cgroup)
    _add_tasks(facts, sums)
    return facts


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
    summed = Facts()
    running = [(c, f) for c, f in facts_by_name if is_there(c)]
    for name in SHARED:
        if running and name in running[0][1]:
            summed[name] = running[0][1][name]
    for name in ADDED_UP:
        missing = [(c, f) for c, f in running if name not in f]
        if missing or not running:
            container, facts = missing[0] if missing else (None, None)
            summed.reasons[name] = (
                f"container {container.name}: {facts.reason(name)}"
                if container and facts
                else _why_none(containers=[each for each, _ in facts_by_name])
            )
        elif name in AS_INTERVALS:
            summed.add_interval(name, total([facts.interval(name) for _, facts in running]))
        else:
            summed[name] = sum([facts[name] for _, facts in running])
    _add_top(summed, pod.top)
    return summed


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


def _add_working_set(facts: Facts) -> None:
    try:
        working_set = working_set_bytes(facts)
    except MissingFactError as missing:
        facts.reasons["working_set"] = str(missing)
    else:
        facts["working_set"] = working_set
        facts["cut_off"] = working_set - (facts["current"] - facts["stat.inactive_file"])


def _add_top(facts: Facts, top: Top | None) -> None:
    reasons = facts.reasons
    reasons["top"] = "kubectl top was not asked"
    reasons["working_set_at_sample"] = "no history at the sample's time"
    if top is None:
        return
    reasons["top"] = top.detail or "kubectl top has no number"
    if top.memory_bytes is not None:
        facts["top_raw"] = top.memory_bytes
        facts["top"] = top.memory_bytes // MIB * MIB
        if top.provider != HOST_CGROUP:
            facts["top_elsewhere"] = top.memory_bytes
    if top.working_set_at_sample_bytes is not None:
        facts["working_set_at_sample"] = top.working_set_at_sample_bytes
    if top.tolerance_bytes is not None:
        facts["top_tolerance"] = top.tolerance_bytes


def _add_children(facts: Facts, containers: Sequence[Container], children: Sequence[Cgroup]) -> None:
    reasons = facts.reasons
    unseen = [c.name for c in containers if c.cgroup is None and is_there(c)]
    stats = [child.stat for child in children if child.stat is not None]
    for key, name in _OF_CHILDREN:
        if unseen:
            reasons[name] = f"container {unseen[0]} runs, but its cgroup was not measured"
            continue
        shares = [counted_kernel_bytes(stat) if key == "kernel" else stat.get(key) for stat in stats]
        if len(shares) == len(children) and None not in shares:
            facts[name] = sum([share or 0 for share in shares])
        else:
            reasons[name] = "a child cgroup's memory.stat lacks it"
    swaps = [child.swap.current_bytes for child in children]
    swapped = [each for each in swaps if each is not None]
    if not unseen and len(swapped) == len(swaps):
        facts["children.swap"] = sum(swapped)
    for term, roles in _OTHER_CHILDREN:
        charges = [c.cgroup.current_bytes for c in containers if c.role in roles and c.cgroup is not None]
        present = [charge for charge in charges if charge is not None]
        if len(present) == len(charges):
            facts[term] = sum(present)
        else:
            reasons[term] = "memory.current of one of them was not read"


def _living(sums: ProcessSums | None) -> int:
    """Return how many processes were found at work, whether or not they could be read."""
    return sums.read + unread_count(sums) if sums is not None else 0


def _add_own(facts: Facts, cgroup: Cgroup, children: Sequence[Cgroup]) -> None:
    if cgroup.descendants is not None and "nr_dying_descendants" in cgroup.descendants:
        facts["dying"] = cgroup.descendants["nr_dying_descendants"]
    brackets = [(each.current_bytes, each.current_again_bytes) for each in (cgroup, *children)]
    moved = sum(abs(again - first) for first, again in brackets if first is not None and again is not None)
    facts["moved"] = moved


def _add_events(facts: Facts, cgroup: Cgroup | None) -> None:
    """Add limits, event counts and swap, under `limit.`, `events.`, `swap.` and plain names.

    Under `local.` stand the events of the cgroup's own limits, without those of limits below it.
    """
    reasons = facts.reasons
    if cgroup is None:
        return
    for (name, unlimited, file), limit in zip(_LIMITS, _LIMITS_OF(cgroup), strict=True):
        if isinstance(limit, int):
            facts[name] = limit
            continue
        if limit == "max":
            facts[unlimited] = 1
        reasons[name] = cgroup.absent.get(file, f"{file} was not read")
    events, local = cgroup.events or {}, cgroup.events_local or {}
    facts.update(zip(names_below("events.", tuple(events)), events.values(), strict=True))
    facts.update(zip(names_below("local.", tuple(local)), local.values(), strict=True))
    for name in ("high", "max", "oom_kill"):
        if name not in events:
            reasons[f"events.{name}"] = cgroup.absent.get("memory.events", "memory.events was not read")
    amounts = {
        "hugetlb": sum(cgroup.hugetlb.values()) if cgroup.hugetlb is not None else None,
        "current_again": cgroup.current_again_bytes,
        "peak": cgroup.peak_bytes,
    }
    facts.update({name: value for name, value in amounts.items() if isinstance(value, int)})
    facts.update(_swapping(cgroup))
    _add_pressure(facts, cgroup)


def _swapping(cgroup: Cgroup) -> dict[str, int]:
    """Return what a cgroup has in swap and zswap, and what it may have there."""
    amounts = {
        "swap.current": cgroup.swap.current_bytes,
        "limit.swap": cgroup.swap.max_bytes,
        "zswap.current": cgroup.zswap.current_bytes,
        "limit.zswap": cgroup.zswap.max_bytes,
        "zswap.writeback": cgroup.zswap.writeback,
    }
    return {name: value for name, value in amounts.items() if isinstance(value, int)}


def _add_above(facts: Facts, above: Sequence[Cgroup]) -> None:
    """Add what the cgroups above may have in swap and zswap: of each the limit that is nearest to its end."""
    known = [Facts(_swapping(each)) for each in above if _limits_swap(each)]
    for names, limit_in in ((_IN_SWAP, swap_limit), (_IN_ZSWAP, zswap_limit)) if known else ():
        limited = [(used_share(limit), each) for each in known if (limit := limit_in(each)) is not None]
        if limited:
            tightest = max(limited, key=itemgetter(0))[1]
            facts.update({f"{ABOVE}{name}": tightest[name] for name in names if name in tightest})


def _limits_swap(cgroup: Cgroup) -> bool:
    return isinstance(cgroup.swap.max_bytes, int) or isinstance(cgroup.zswap.max_bytes, int)


def _add_pressure(facts: Facts, cgroup: Cgroup) -> None:
    """Add memory.pressure under `psi.LINE.avgN`: hundredths of a percent of the time."""
    if cgroup.pressure is None:
        facts.reasons["psi"] = cgroup.absent.get("memory.pressure", "memory.pressure was not read")
        return
    for name, line in cgroup.pressure.items():
        for fact, share in zip(names_below(f"psi.{name}.", _AVERAGES), _AVERAGES_OF(line), strict=True):
            facts[fact] = round(share * 100)


def _add_tasks(facts: Facts, sums: ProcessSums | None) -> None:
    if sums is not None:
        facts["processes"] = sums.read
        if sums.threads is not None:
            facts["threads"] = sums.threads
        if sums.descriptors is not None:
            facts["descriptors"] = sums.descriptors
