"""What the node knows that contradicts a number of kubectl top which it does not explain. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from memcollect.documents.snapshot import Container, Pod, Top
from memcollect.kubernetes.usage import Metrics, PodUsage
from memcollect.units import human_bytes

EARLIER_POD_SECONDS = 300.0
"""So long after its start a pod's number may hold an earlier pod of its name: providers cache by name."""
FAR = 2
"""Times what the cgroup holds: from there on it is worth saying what lives in it."""
_MOST_NAMED = 3
WITHOUT_CACHE = (
    "whoever feeds the metrics API leaves out page cache, tmpfs and kernel memory, as `podman stats` does"
)
ONE_PROCESS = "whoever feeds the metrics API takes one process for the container"
_PAGE_AND_KIB = 4096 + 1024
"""A process' RSS is counted in pages, and the metrics API in KiB."""


class Surroundings(Struct, frozen=True, gc=False):
    """What is known beside the container itself."""

    node_memory_bytes: int | None = None
    pod_age_seconds: float | None = None
    slack_bytes: int = 0
    sandboxed: bool = False
    """Whether the node shows a sandbox runtime for this pod."""


def with_contradictions(top: Top, container: Container | None, around: Surroundings) -> Top:
    """Return a number that was not explained with what speaks against it; any other as it is."""
    if top.status != "unexplained" or top.memory_bytes is None or around.sandboxed:
        return top
    detail = next(_contradictions(top.memory_bytes, container, around), top.detail)
    young = around.pod_age_seconds is not None and around.pod_age_seconds < EARLIER_POD_SECONDS
    if young and _is_more(top):
        detail += (
            f"; the pod was {around.pod_age_seconds:.0f} s old then, so the number may hold an earlier pod of"
            " its name, too"
        )
    return msgspec.structs.replace(top, detail=detail)


@dataclass(frozen=True)
class Alike:
    """The pods for which the metrics API gives the very same number of bytes."""

    first: tuple[tuple[str, str], ...]
    """Namespace and name of those that may be named: of a large cluster's idle pods there are thousands."""
    count: int


def alike_in(metrics: Metrics) -> dict[int, Alike]:
    """Return which pods have the very same number, by that number: hardly ever two by chance."""
    holders: dict[int, list[tuple[str, str]]] = {}
    for pod, usage in metrics.pods.items():
        for size in {each.memory_bytes for each in usage.containers if each.memory_bytes}:
            holders.setdefault(size, []).append(pod)
    # One more than are named, for one of them may be the pod of which it is told.
    return {
        size: Alike(tuple(found[: _MOST_NAMED + 1]), len(found))
        for size, found in holders.items()
        if len(found) > 1
    }


def with_equals(row: Pod, metrics: Metrics, alike: Mapping[int, Alike]) -> Pod:
    """Return the row with what is told of its unexplained numbers that others have to the byte, too."""
    usage = metrics.pods.get((row.namespace or "", row.name))
    told = {
        each.name: said
        for each in row.containers
        if each.top is not None and each.top.status == "unexplained"
        if not each.top.detail.endswith((ONE_PROCESS, WITHOUT_CACHE))
        if (said := _equals_of(row, each, usage, alike))
    }
    if not told or row.top is None:
        return row
    containers = [
        msgspec.structs.replace(each, top=_told(each.top, told[each.name]))
        if each.top is not None and each.name in told
        else each
        for each in row.containers
    ]
    return msgspec.structs.replace(row, containers=containers, top=_told(row.top, next(iter(told.values()))))


def _told(top: Top, more: str) -> Top:
    return msgspec.structs.replace(top, detail=f"{top.detail}; {more}" if top.detail else more)


def _equals_of(row: Pod, container: Container, usage: PodUsage | None, alike: Mapping[int, Alike]) -> str:
    """Return who else has the number, containers of the same pod before other pods; "" for nobody."""
    own = (row.namespace or "", row.name)
    size = container.top.memory_bytes or 0 if container.top is not None else 0
    having = [each.name for each in usage.containers if size and each.memory_bytes == size] if usage else []
    names = [f"container {name}" for name in having if name != container.name]
    count = len(names)
    if not names and size in alike:
        pods = [each for each in alike[size].first if each != own]
        names = [pod if namespace == own[0] else f"{namespace}/{pod}" for namespace, pod in pods]
        count = alike[size].count - bool(having)
    if not names:
        return ""
    more = count - _MOST_NAMED
    named = [*names[:_MOST_NAMED], f"{more} more"] if more > 0 else names
    who = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    has = "has" if count == 1 else "have"
    held = container.cgroup.current_bytes or 0 if container.cgroup is not None else 0
    or_sum = " or a sum of them" if size > held else ""
    return f"{who} {has} the same number: it may be a copy{or_sum}"


def _is_more(top: Top) -> bool:
    return (top.memory_bytes or 0) > (top.working_set_at_sample_bytes or 0)


def _contradictions(size: int, container: Container | None, around: Surroundings) -> Iterator[str]:
    """Yield what speaks against the number, the strongest first."""
    has, shown = around.node_memory_bytes, human_bytes(size)
    if has is not None and size > has:
        yield f"{shown} is more than the node has ({human_bytes(has)}): no container here can hold that"
    cgroup = container.cgroup if container is not None else None
    if container is None or cgroup is None:
        return
    if (anon := (cgroup.stat or {}).get("anon")) and abs(anon - size) < _PAGE_AND_KIB:
        yield f"{shown} is its anonymous memory alone: {WITHOUT_CACHE}"
    for process in container.processes:
        if process.rss_bytes and abs(process.rss_bytes - size) < _PAGE_AND_KIB:
            yield (f"{shown} is the RSS of process {process.pid} ({process.comm}) alone: {ONE_PROCESS}")
    if cgroup.peak_bytes is not None and size > cgroup.peak_bytes + around.slack_bytes:
        yield (
            f"{shown} is more than its cgroup ever held ({human_bytes(cgroup.peak_bytes)}): the number is not"
            " this container's"
        )
    if cgroup.current_bytes is not None and size > FAR * cgroup.current_bytes:
        yield (
            f"{shown} is not possible by what the node shows: the cgroup holds"
            f" {human_bytes(cgroup.current_bytes)} of ordinary processes, and no sandbox was seen"
        )
