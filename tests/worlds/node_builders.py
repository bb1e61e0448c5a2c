"""A node made of known amounts: its meminfo, its root's memory.stat and its cgroups agree, to the byte."""

import msgspec

from memcollect.documents.snapshot import KnownPod, NodeAccount, Top
from memcollect_agent.wire import CgroupTree, CgroupUse, Node

MIB = 1 << 20
HUGE = 2 * MIB
POD = "11111111-1111-4111-8111-111111111111"
ORPHAN = "22222222-2222-4222-8222-222222222222"
BURSTABLE = "/kubepods.slice/kubepods-burstable.slice"
NODE = Node(
    name="n1", cpus=2, page_size_bytes=4096, vmstat={"nr_zspages": 0, "nr_kernel_misc_reclaimable": 0}
)


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What is where, in bytes. User pages that are charged to no cgroup but the root are `root_anon`."""

    free: int = 8192 * MIB
    free_percpu: int = 4 * MIB
    pod_anon: int = 300 * MIB
    pod_shmem: int = 40 * MIB
    orphan_anon: int = 0
    left_shmem: int = 0
    left_kernel: int = 0
    service_anon: int = 100 * MIB
    service_active: int = 600 * MIB
    service_inactive: int = 200 * MIB
    outside_anon: int = 0
    root_anon: int = 10 * MIB
    slab_reclaimable: int = 50 * MIB
    slab_unreclaimable: int = 30 * MIB
    kernel_stack: int = 5 * MIB
    page_tables: int = 7 * MIB
    percpu: int = 2 * MIB
    vmalloc: int = 12 * MIB
    hugetlb: int = 0
    hugetlb_idle: int = 0
    hugetlb_promised: int = 0
    """Of what is idle."""
    swap: int = 0
    swapped: int = 0
    swap_cached: int = 0
    """In swap and in memory, mapped by nobody."""
    zswap: int = 0
    zswapped: int = 0
    direct: int = 20 * MIB
    """What the kernel took straight from the page allocator."""
    held_back: int = 60 * MIB

    @property
    def anon(self) -> int:
        return self.pod_anon + self.orphan_anon + self.service_anon + self.outside_anon + self.root_anon

    @property
    def shmem(self) -> int:
        return self.pod_shmem + self.left_shmem

    @property
    def kernel(self) -> int:
        counted = self.slab_reclaimable + self.slab_unreclaimable + self.kernel_stack + self.page_tables
        # VmallocUsed holds the thread stacks, too.
        return counted + self.percpu + (self.vmalloc - self.kernel_stack) + self.direct

    @property
    def total(self) -> int:
        cache = self.service_active + self.service_inactive
        used = self.anon + self.shmem + cache + self.kernel + self.hugetlb + self.swap_cached
        return self.free + self.free_percpu + used

    def meminfo(self) -> dict[str, int]:
        cache = self.service_active + self.service_inactive
        available = self.free + cache + self.slab_reclaimable - self.held_back
        return {
            "MemTotal": self.total,
            "MemFree": self.free,
            "MemAvailable": available,
            "Buffers": 0,
            "Cached": cache + self.shmem,
            "SwapCached": self.swap_cached,
            "SwapTotal": self.swap,
            "SwapFree": self.swap - self.swapped,
            "Zswap": self.zswap,
            "Zswapped": self.zswapped,
            "Active": self.service_active,
            "Inactive": self.service_inactive + self.anon + self.swap_cached,
            "Active(anon)": 0,
            "Inactive(anon)": self.anon + self.swap_cached,
            "Active(file)": self.service_active,
            "Inactive(file)": self.service_inactive,
            "Unevictable": self.shmem,
            "AnonPages": self.anon,
            "Shmem": self.shmem,
            "KReclaimable": self.slab_reclaimable,
            "SReclaimable": self.slab_reclaimable,
            "SUnreclaim": self.slab_unreclaimable,
            "KernelStack": self.kernel_stack,
            "PageTables": self.page_tables,
            "SecPageTables": 0,
            "VmallocUsed": self.vmalloc,
            "Percpu": self.percpu,
            "Hugetlb": self.hugetlb,
            "HugePages_Total": self.hugetlb // HUGE,
            "HugePages_Free": self.hugetlb_idle // HUGE,
            "HugePages_Rsvd": self.hugetlb_promised // HUGE,
            "Hugepagesize": HUGE,
        }

    def root(self) -> dict[str, int]:
        cache = self.service_active + self.service_inactive
        return {
            "anon": self.anon,
            "file": cache + self.shmem,
            "shmem": self.shmem,
            "active_file": self.service_active,
            "inactive_file": self.service_inactive,
        }

    def tree(self) -> CgroupTree:
        pod = use(f"{BURSTABLE}/{_leaf(POD)}", anon=self.pod_anon, shmem=self.pod_shmem)
        orphan = use(f"{BURSTABLE}/{_leaf(ORPHAN)}", anon=self.orphan_anon)
        left = use("", shmem=self.left_shmem, kernel=self.left_kernel)
        service = use(
            "/system.slice/db.service",
            anon=self.service_anon,
            active_file=self.service_active,
            inactive_file=self.service_inactive,
        )
        outside = use("/docker/" + "a" * 64, anon=self.outside_anon)
        orphans = [orphan] if self.orphan_anon else []
        held = total("", [pod, left, *orphans])
        return CgroupTree(
            read_at=1000.0,
            finished_at=1000.1,
            root=self.root(),
            root_read_at=1000.0,
            meminfo=self.meminfo(),
            meminfo_again=self.meminfo(),
            free_percpu_bytes=self.free_percpu,
            cgroups=[
                *([total("/docker", [outside]), outside] if self.outside_anon else []),
                renamed(held, "/kubepods.slice"),
                msgspec.structs.replace(renamed(held, BURSTABLE), dying=7),
                pod,
                *orphans,
                total("/system.slice", [service]),
                service,
            ],
        )

    def account(self, top: Top | None = None, *, known: bool = True) -> NodeAccount:
        """Return the raw account; the API server knows one pod."""
        pods = [KnownPod(uid=POD, namespace="team", name="web-0")]
        return NodeAccount(
            node="n1", taken_at=1000.0, tree=self.tree(), known_pods=pods if known else None, top=top
        )


def use(path: str, **stat: int) -> CgroupUse:
    """Return a cgroup whose charge is the sum of what is in it."""
    cache = stat.get("active_file", 0) + stat.get("inactive_file", 0)
    numbers = {"anon": 0, "shmem": 0, "active_file": 0, "inactive_file": 0, "kernel": 0, "sock": 0} | stat
    numbers["file"] = cache + numbers["shmem"]
    charge = numbers["anon"] + numbers["file"] + numbers["kernel"] + numbers["sock"]
    return CgroupUse(path=path, current_bytes=charge, stat=numbers)


def total(path: str, parts: list[CgroupUse]) -> CgroupUse:
    """Return a cgroup that is charged for these and nothing more."""
    names = dict.fromkeys(name for part in parts for name in part.stat)
    return CgroupUse(
        path=path,
        current_bytes=sum(part.current_bytes or 0 for part in parts),
        stat={name: sum(part.stat.get(name, 0) for part in parts) for name in names},
    )


def renamed(cgroup: CgroupUse, path: str) -> CgroupUse:
    """Return the same numbers at another path."""
    return msgspec.structs.replace(cgroup, path=path)


def _leaf(uid: str) -> str:
    return f"kubepods-burstable-pod{uid.replace('-', '_')}.slice"
