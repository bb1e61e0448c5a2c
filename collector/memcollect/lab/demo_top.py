"""What `kubectl top` would show, by cAdvisor's formula, before there is a metrics API to ask.

max(0, memory.current − inactive_file), memory.stat read first (github.com/google/cadvisor,
container/libcontainer/handler.go); beside it the agent's own working set of the same moment, which on a
cluster comes from the agent's history.
"""

import time
from pathlib import Path

from msgspec import Struct

from memcollect.lab.layout import PodSpec, leaf_name, pod_path
from memcollect_agent.measure.sample import Roots, sample_node
from memcollect_agent.wire import Cgroup, SampleRequest

_STOCK_PAGES = 64
"""Pages that a CPU may charge to a cgroup in advance (MEMCG_CHARGE_BATCH in mm/memcontrol.c)."""
_PAGE_BYTES = 4096


class DemoTop(Struct, frozen=True, kw_only=True):
    """One container's number."""

    timestamp: float
    memory_bytes: int
    working_set_at_sample_bytes: int | None = None
    tolerance_bytes: int | None = None


def sample_tops(specs: list[PodSpec], cgroup_root: str) -> dict[str, DemoTop]:
    """Return each living app container's number by its id."""
    sample = sample_node(
        SampleRequest(pod_uids=[spec.uid for spec in specs], sums=False), Roots(cgroup=cgroup_root)
    )
    own = {each.id: each.cgroup for pod in sample.pods for each in pod.containers if each.id}
    tolerance = _STOCK_PAGES * _PAGE_BYTES * (sample.node.cpus or 1)
    tops = {}
    for spec in specs:
        for container in spec.containers:
            identity = spec.container_id(container.name)
            top = _top(Path(cgroup_root) / pod_path(spec) / leaf_name(spec, container.name))
            if top is not None:
                timestamp, size = top
                tops[identity] = DemoTop(
                    timestamp=timestamp,
                    memory_bytes=size,
                    working_set_at_sample_bytes=_working_set(own.get(identity)),
                    tolerance_bytes=tolerance,
                )
    return tops


def _top(cgroup: Path) -> tuple[float, int] | None:
    try:
        stat = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
        current = int((cgroup / "memory.current").read_text())
    except FileNotFoundError:
        return None
    return time.time(), max(0, current - int(stat["inactive_file"]))


def _working_set(cgroup: Cgroup | None) -> int | None:
    if cgroup is None or cgroup.current_bytes is None or cgroup.stat is None:
        return None
    inactive = cgroup.stat.get("inactive_file")
    return None if inactive is None else max(0, cgroup.current_bytes - inactive)
