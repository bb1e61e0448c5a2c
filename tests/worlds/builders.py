"""Facts small enough to check by hand, and raw pods built of them."""

from typing import Any

from memcollect.accounting.facts import Facts
from memcollect.accounting.interval import Interval
from memcollect.documents.snapshot import Container, Pod, Snapshot
from memcollect_agent.wire import Cgroup, Node, ProcessSums

PAGE = 4096
MIB = 1 << 20
NODE = Node(name="node-1", cpus=2, page_size_bytes=PAGE, swap_devices=0)
NO_EVENTS = {"low": 0, "high": 0, "max": 0, "oom": 0, "oom_kill": 0}

QUIET_STAT = {
    "anon": 100 * MIB,
    "file": 60 * MIB,
    "shmem": 10 * MIB,
    "file_mapped": 20 * MIB,
    "kernel": 12 * MIB,
    "slab_reclaimable": 3 * MIB,
    "slab_unreclaimable": 2 * MIB,
    "kernel_stack": 1 * MIB,
    "pagetables": 4 * MIB,
    "sec_pagetables": 0,
    "percpu": 1 * MIB,
    "vmalloc": 0,
    "sock": 5 * MIB,
    "active_anon": 0,
    "inactive_anon": 110 * MIB,
    "active_file": 30 * MIB,
    "inactive_file": 20 * MIB,
    "unevictable": 0,
}
"""A container of 177 MiB: 100 anon, 60 file (10 shmem, 30 hot, 20 cold), 12 kernel (1 unnamed), 5 sock."""
QUIET_CURRENT = 177 * MIB
QUIET_SUMS = ProcessSums(
    listed=1,
    read=1,
    threads=4,
    rss_bytes=130 * MIB,
    pss_bytes=120 * MIB,
    pss_anon_bytes=100 * MIB,
    pss_file_bytes=18 * MIB,
    pss_shmem_bytes=2 * MIB,
    lazyfree_bytes=0,
    swap_bytes=0,
    swap_pss_bytes=0,
    locked_bytes=0,
    anon_huge_bytes=0,
    hugetlb_bytes=0,
)


def facts(without: str | tuple[str, ...] = (), **named: int | tuple[int, int, int]) -> Facts:
    """Return facts by name, `__` standing for the dot: stat__anon is "stat.anon"; `without` drops names."""
    dropped = (without,) if isinstance(without, str) else without
    values = {name.replace("__", "."): value for name, value in named.items()}
    kept = {name: value for name, value in values.items() if name not in dropped}
    return Facts(
        {name: value for name, value in kept.items() if isinstance(value, int)},
        intervals={name: Interval.of(*value) for name, value in kept.items() if not isinstance(value, int)},
    )


def cgroup(current: int | None = QUIET_CURRENT, stat: dict[str, int] | None = None, **more: object) -> Cgroup:
    """Return a cgroup; `stat` replaces keys of QUIET_STAT."""
    fields: dict[str, object] = {
        "path": "/kubepods/pod1/c1",
        "current_bytes": current,
        "stat": {**QUIET_STAT, **(stat or {})},
        "events": NO_EVENTS,
        "min_bytes": 0,
        "low_bytes": 0,
        "high_bytes": "max",
        "max_bytes": "max",
    }
    return Cgroup(**{**fields, **more})  # type: ignore[arg-type]


def idle_cgroup(current: int = 0, **more: int) -> Cgroup:
    """Return a cgroup whose counters are zero but for those given."""
    return cgroup(current, {**dict.fromkeys(QUIET_STAT, 0), **more})


def container(name: str = "app", **more: object) -> Container:
    """Return a quiet container, with other fields as given."""
    fields: dict[str, object] = {"name": name, "id": name, "cgroup": cgroup(), "sums": QUIET_SUMS}
    return Container(**{**fields, **more})  # type: ignore[arg-type]


def pause(current: int = MIB // 4) -> Container:
    """Return a pause container of nothing but private memory."""
    return Container(
        name="pause",
        id="pause",
        role="pause",
        cgroup=idle_cgroup(current, anon=current, inactive_anon=current),
        sums=ProcessSums(listed=1, read=1, **_nothing()),
    )


def _nothing() -> dict[str, Any]:
    return {name: 0 for name in ProcessSums.__struct_fields__ if name.endswith("_bytes")}


def pod(*containers: Container, **more: object) -> Pod:
    """Return a pod of these containers (of one quiet one), whose own cgroup holds just their charges."""
    children = list(containers) or [container()]
    measured = [child.cgroup for child in children if child.cgroup is not None]
    stat = {key: sum((each.stat or {}).get(key, 0) for each in measured) for key in QUIET_STAT}
    fields: dict[str, object] = {
        "uid": "pod1",
        "name": "sandbox-1",
        "node": NODE.name,
        "containers": children,
        "cgroup": cgroup(
            sum(each.current_bytes or 0 for each in measured), stat, path="/kubepods/pod1", descendants={}
        ),
        "own_sums": ProcessSums(),
    }
    return Pod(**{**fields, **more})  # type: ignore[arg-type]


def snapshot(*pods: Pod, node: Node | None = NODE) -> Snapshot:
    """Return the raw document of these pods on one node."""
    return Snapshot(
        captured_at="2026-01-01T00:00:00Z",
        finished_at="2026-01-01T00:00:01Z",
        mode="local",
        nodes=[node] if node else [],
        pods=list(pods),
    )
