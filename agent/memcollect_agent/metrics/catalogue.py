"""Every metric of the page: its name, kind, labels and help. docs/metrics.md says more of each.

The page has one of two sets of series. "all" has everything. "core" is for large fleets: eight series for a
container, five for a pod, none for a pause container, and everything about the node and the agent.
"""

from typing import Literal

from msgspec import Struct

Series = Literal["core", "all"]
"""Which set of series a page has."""
SETS: tuple[Series, ...] = ("core", "all")


class Spec(Struct, frozen=True):
    """One metric; a counter's name is without "_total", which its series get."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    kind: Literal["gauge", "counter"] = "gauge"
    unit: str = ""
    core: bool = True
    """Whether the set "core" has it, too."""

    def within(self, series: Series) -> bool:
        """Return whether a page of that set has this metric."""
        return self.core or series == "all"


CONTAINER = ("pod_uid", "container_id", "qos", "role")
POD = ("pod_uid", "qos")

CONTAINER_CURRENT = Spec(
    "memcollect_container_current_bytes",
    "memory.current: all that is charged to the container's cgroup and those below it.",
    CONTAINER,
    unit="bytes",
)
CONTAINER_WORKING_SET = Spec(
    "memcollect_container_working_set_bytes",
    "memory.current less inactive_file of memory.stat, not below 0: what kubectl top shows, read now.",
    CONTAINER,
    unit="bytes",
)
CONTAINER_COMPOSITION = Spec(
    "memcollect_container_composition_bytes",
    "What the working set is made of; the terms sum to it, residual included, which may be negative. "
    "Five groups of terms in the set core: anonymous, shmem, droppable, unreclaimable, residual. "
    "Where the kernel has no counter for all kernel memory (before 5.18), the residual holds what it does "
    "not itemise.",
    (*CONTAINER, "term"),
    unit="bytes",
)
CONTAINER_LIMIT = Spec(
    "memcollect_container_limit_bytes",
    "memory.max of the container's own cgroup; absent where it says max: no limit.",
    CONTAINER,
    unit="bytes",
)
CONTAINER_COLD_CACHE = Spec(
    "memcollect_container_cold_cache_bytes",
    "Page cache on the inactive list: charged, left out of the working set, dropped first under pressure.",
    CONTAINER,
    unit="bytes",
    core=False,
)
CONTAINER_LAZYFREE = Spec(
    "memcollect_container_lazyfree_bytes",
    "Anonymous memory given back with MADV_FREE, at least: in RSS and PSS, left out of the working set.",
    CONTAINER,
    unit="bytes",
    core=False,
)
CONTAINER_SWAP = Spec(
    "memcollect_container_swap_bytes",
    "memory.swap.current: what of the container is swapped out.",
    CONTAINER,
    unit="bytes",
    core=False,
)
CONTAINER_PSS = Spec(
    "memcollect_container_pss_bytes",
    "Sum of Pss of the container's processes at the last pass; absent unless every one was read.",
    CONTAINER,
    unit="bytes",
    core=False,
)
CONTAINER_RSS = Spec(
    "memcollect_container_rss_bytes",
    "Sum of Rss of the same processes, as ps would add it up: shared pages count once per process.",
    CONTAINER,
    unit="bytes",
    core=False,
)
CONTAINER_UNREAD = Spec(
    "memcollect_container_unread_processes",
    "Living processes that the last pass could not read, or not in time: why there is no PSS.",
    CONTAINER,
    core=False,
)
POD_CURRENT = Spec(
    "memcollect_pod_current_bytes", "memory.current of the pod's own cgroup.", POD, unit="bytes"
)
POD_LIMIT = Spec(
    "memcollect_pod_limit_bytes",
    "memory.max of the pod's own cgroup, for all its containers, its tmpfs and its sandbox together; absent "
    "where it says max: no limit.",
    POD,
    unit="bytes",
)
POD_LASTING = Spec(
    "memcollect_pod_lasting_bytes",
    "The working set of the pod's own cgroup without page cache and reclaimable slab: what stays until it is "
    "freed or swapped out.",
    POD,
    unit="bytes",
)
POD_WORKING_SET = Spec(
    "memcollect_pod_working_set_bytes",
    "The working set of the pod's own cgroup, with the pause container and what is in no container.",
    POD,
    unit="bytes",
    core=False,
)
POD_OUTSIDE = Spec(
    "memcollect_pod_outside_containers_bytes",
    "The pod's memory.current less that of all its children: what containers that are gone left behind, "
    "processes in the pod's own cgroup, and its kernel structures. Read one after another, so it may be "
    "slightly negative.",
    POD,
    unit="bytes",
)
POD_DYING = Spec(
    "memcollect_pod_dying_cgroups",
    "nr_dying_descendants of cgroup.stat: removed cgroups of the pod that still hold charges.",
    POD,
    core=False,
)
POD_OOM_KILLS = Spec(
    "memcollect_pod_oom_kills",
    "oom_kill of the pod's memory.events: processes that the kernel killed for memory in the pod, those of "
    "containers that are gone included.",
    POD,
    "counter",
)
PSS_AT = Spec(
    "memcollect_pss_timestamp_seconds",
    "When the pass that the PSS numbers are from ended, since the Unix epoch.",
    unit="seconds",
    core=False,
)
NODE_TOTAL = Spec("memcollect_node_memory_total_bytes", "MemTotal of /proc/meminfo.", unit="bytes")
NODE_AVAILABLE = Spec(
    "memcollect_node_memory_available_bytes",
    "MemAvailable of /proc/meminfo: what free calls available.",
    unit="bytes",
)
NODE_WORKING_SET = Spec(
    "memcollect_node_working_set_bytes",
    "anon + file - inactive_file of the root cgroup: what kubectl top node shows and the kubelet evicts by, "
    "read now.",
    unit="bytes",
)
NODE_ACTIVE_CACHE = Spec(
    "memcollect_node_active_cache_bytes",
    "active_file of the root cgroup: in the working set, and dropped under pressure all the same.",
    unit="bytes",
)
NODE_UNCOUNTED = Spec(
    "memcollect_node_kernel_uncounted_bytes",
    "Kernel memory that no counter names: what drivers and the kernel took straight from the page allocator.",
    unit="bytes",
)
NODE_HELD = Spec(
    "memcollect_node_held_bytes",
    "What the node's cgroups are charged for, by who holds it: pods; left_by_pods (charged to what holds "
    "pods and to none of them); services; outside_containers (of no pod); other_cgroups; "
    "root_alone (user pages).",
    ("holder",),
    unit="bytes",
)
NODE_DYING = Spec(
    "memcollect_node_dying_cgroups",
    "nr_dying_descendants of the cgroup that has most: removed cgroups that still hold charges.",
)
NODE_READABLE = Spec(
    "memcollect_node_readable",
    "1 if the node's cgroup v2 tree could be read at this scrape, 0 if not: the agent's log and "
    "`memcollect doctor` say why.",
)
LEFT_OUT_PODS = Spec(
    "memcollect_left_out_pods",
    "Pods on the node that are not on this page: too many (ceiling), no time (budget), or unreadable.",
    ("reason",),
)
LEFT_OUT_CONTAINERS = Spec(
    "memcollect_left_out_containers",
    "Containers that are not on this page, as far as they were counted; duplicate: two cgroups of one pod "
    "had the same id.",
    ("reason",),
)
BUILD_INFO = Spec(
    "memcollect_agent_build_info", "1, with the agent's version and schema.", ("version", "schema_version")
)
TIMES = Spec(
    "memcollect_agent_measurements",
    "Measurements made: scrape (this page's), sample (asked for by a collector), pss (the slow pass).",
    ("activity",),
    "counter",
)
FAILED = Spec(
    "memcollect_agent_measurement_failures",
    "Measurements that ended with an error and no numbers at all.",
    ("activity",),
    "counter",
)
WALL = Spec(
    "memcollect_agent_measurement_seconds",
    "Time that measurements took.",
    ("activity",),
    "counter",
    unit="seconds",
)
CPU = Spec(
    "memcollect_agent_measurement_cpu_seconds",
    "CPU time that measurements took.",
    ("activity",),
    "counter",
    unit="seconds",
)
PROBLEMS = Spec(
    "memcollect_agent_problems",
    "Things that could not be measured, each time they could not, by kind and reason.",
    ("kind", "reason"),
    "counter",
)
PROCESSES = Spec(
    "memcollect_agent_processes",
    "Processes listed by samples and PSS passes, by what became of them: read, vanished (ended meanwhile, "
    "normal), zombie, kernel-thread, or the reason for which they were skipped.",
    ("outcome",),
    "counter",
)
VANISHED = Spec(
    "memcollect_agent_vanished_cgroups",
    "Cgroups that were removed while a scrape read them: normal.",
    (),
    "counter",
)
HISTORY_TICKS = Spec("memcollect_agent_history_ticks", "Points of time in the history.", (), "counter")
HISTORY_MISSED = Spec(
    "memcollect_agent_history_missed_ticks", "Ticks that fell out since the agent was held up.", (), "counter"
)
HISTORY_SECONDS = Spec(
    "memcollect_agent_history_tick_seconds", "Mean time of one of the last ticks.", unit="seconds"
)
HISTORY_CPU = Spec(
    "memcollect_agent_history_tick_cpu_seconds", "Mean CPU time of one of the last ticks.", unit="seconds"
)
HISTORY_BYTES = Spec("memcollect_agent_history_bytes", "Memory that the history's rings take.", unit="bytes")
HISTORY_LEFT_OUT = Spec(
    "memcollect_agent_history_left_out_cgroups", "Cgroups not followed, since there were too many."
)

CATALOGUE = tuple(value for value in list(globals().values()) if isinstance(value, Spec))
"""All of the above, in this order. The page also has the process_* metrics that every exporter has."""
