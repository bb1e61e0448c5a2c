"""Raw documents of any content: counters that contradict each other, lines and files that are missing."""

from typing import Any

from hypothesis import strategies as st

from memcollect.accounting.facts import ITEMISED_KERNEL, LRU_LISTS
from memcollect.documents.snapshot import Container, Pod, Snapshot, Top
from memcollect_agent.wire import Cgroup, Limit, Node, ProcessSums, SkippedProcess, Swap, Zswap

KEYS = (
    "anon",
    "file",
    "shmem",
    "file_mapped",
    "kernel",
    "slab",
    "sock",
    "hugetlb",
    "file_dirty",
    "file_writeback",
    "swapcached",
    "anon_thp",
    *ITEMISED_KERNEL,
    *LRU_LISTS,
)
AMOUNTS = tuple(name for name in ProcessSums.__struct_fields__ if name.endswith("_bytes"))

sizes = st.one_of(st.just(0), st.integers(0, 300).map(lambda n: n * 4096), st.integers(0, 1 << 45))
maybe = st.one_of(st.none(), sizes)
limits: st.SearchStrategy[Limit] = st.one_of(st.none(), st.just("max"), sizes)
counts = st.integers(0, 3)


def dictionaries(keys: tuple[str, ...]) -> st.SearchStrategy[dict[str, int]]:
    full = st.fixed_dictionaries(dict.fromkeys(keys, sizes))
    return st.one_of(full, st.fixed_dictionaries({}, optional=dict.fromkeys(keys, sizes)))


@st.composite
def cgroups(draw: st.DrawFn) -> Cgroup:
    return Cgroup(
        path="/x",
        current_bytes=draw(maybe),
        current_again_bytes=draw(maybe),
        min_bytes=draw(limits),
        low_bytes=draw(limits),
        high_bytes=draw(limits),
        max_bytes=draw(limits),
        stat=draw(st.one_of(st.none(), dictionaries(KEYS), dictionaries(KEYS))),
        events=draw(st.one_of(st.none(), dictionaries(("low", "high", "max", "oom", "oom_kill")))),
        swap=Swap(current_bytes=draw(maybe), max_bytes=draw(limits)),
        zswap=Zswap(current_bytes=draw(maybe)),
        hugetlb=draw(st.one_of(st.none(), dictionaries(("2MB",)))),
        descendants=draw(
            st.one_of(
                st.none(),
                st.fixed_dictionaries(
                    {}, optional={"nr_descendants": counts, "nr_dying_descendants": counts}
                ),
            )
        ),
    )


@st.composite
def sums(draw: st.DrawFn) -> ProcessSums:
    read = draw(counts)
    skipped = [SkippedProcess(pid=n + 1, rss_bytes=draw(maybe)) for n in range(draw(counts))]
    more = draw(counts)
    amounts: dict[str, Any] = {name: draw(maybe) if read else None for name in AMOUNTS}
    amounts["skipped_unlisted_rss_bytes"] = draw(maybe) if more else 0
    return ProcessSums(
        listed=read + len(skipped) + more,
        read=read,
        threads=read,
        descriptors=draw(st.sampled_from([None, 0, 999, 1000, 40_000])) if read else None,
        skipped=skipped,
        skipped_unlisted=more,
        **amounts,
    )


tops = st.one_of(
    st.none(),
    st.builds(
        Top,
        source=st.just("metrics.k8s.io"),
        memory_bytes=maybe,
        working_set_at_sample_bytes=maybe,
        tolerance_bytes=maybe,
    ),
)
containers = st.builds(
    Container,
    name=st.sampled_from(["a", "b", "pause"]),
    role=st.sampled_from(["container", "init", "ephemeral", "pause", "conmon", "unknown"]),
    state=st.sampled_from([None, "running", "waiting", "terminated"]),
    cgroup=st.one_of(st.none(), cgroups(), cgroups(), cgroups()),
    sums=st.one_of(st.none(), sums(), sums()),
    processes=st.just([]),
    top=tops,
)
pods = st.builds(
    Pod,
    uid=st.just("u"),
    name=st.just("p"),
    node=st.sampled_from(["n", None]),
    kind=st.sampled_from(["pod", "pod", "container", "service"]),
    cgroup=st.one_of(st.none(), cgroups(), cgroups()),
    own_sums=st.one_of(st.none(), st.just(ProcessSums()), sums()),
    containers=st.lists(containers, max_size=3),
    top=tops,
)
nodes = st.builds(
    Node,
    name=st.just("n"),
    cpus=st.one_of(st.none(), st.integers(1, 256)),
    page_size_bytes=st.sampled_from([None, 4096, 65536]),
    swap_devices=st.sampled_from([None, 0, 1]),
    cgroup_mount_options=st.sampled_from([[], ["memory_hugetlb_accounting"]]),
)
snapshots = st.builds(
    Snapshot,
    captured_at=st.just("2026-01-01T00:00:00Z"),
    finished_at=st.just("2026-01-01T00:00:01Z"),
    mode=st.just("cluster"),
    nodes=st.lists(nodes, max_size=1),
    pods=st.lists(pods, max_size=2),
)
