"""What the node knows that contradicts a number of kubectl top which it does not explain. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from memcollect.documents.snapshot import Container, Top
from memcollect.units import human_bytes

EARLIER_POD_SECONDS = 300.0
"""So long after its start a pod's number may hold an earlier pod of its name: providers cache by name."""
FAR = 2
"""Times what the cgroup holds: from there on it is worth saying what lives in it."""
_PAGE_AND_KIB = 4096 + 1024
"""A process' RSS is counted in pages, and the metrics API in KiB."""


@dataclass(frozen=True)
class Surroundings:
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
    for process in container.processes:
        if process.rss_bytes and abs(process.rss_bytes - size) < _PAGE_AND_KIB:
            yield (
                f"{shown} is the RSS of process {process.pid} ({process.comm}) alone: whoever feeds the"
                " metrics API reports one process for the whole container"
            )
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
