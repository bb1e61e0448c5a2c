"""The structs that cross from agent to collector: a versioned contract.

Rules of the contract: a new field has a default, a field's type and unit never change, a field is
never renamed. Sizes are bytes, times are seconds since the Unix epoch on the node's own clock.
`None` means "not known": the reason stands beside it (`absent`, `skipped`, `problems`), and it is
never written as 0. Dictionaries keep the kernel's own names.

The structs that a sample is made of are trees, so the garbage collector need not look at them (gc=False):
a collector holds hundreds of thousands.

One encoded sample per SCHEMA_VERSION is kept in tests/wire_samples and must decode for ever.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

SCHEMA_VERSION = 1

DEFAULT_PORT = 7070
"""Where an agent listens, on the loopback of its pod."""

DEFAULT_CEILING_BYTES = 16 << 30
"""RSS of a process above which its smaps_rollup is not read unless more is asked for."""

Count = Annotated[int, Meta(ge=0)]
"""A number of bytes or things in an answer: none is ever negative, and one that is was made up. (What is in a
request the agent checks, which has a sentence for it.)"""
Amount = Annotated[float, Meta(ge=0, le=1e15)]
"""A time in seconds or a share in percent: a number, and neither negative nor endless."""
Cpus = Annotated[int, Meta(ge=1, le=1 << 20)]
PageSize = Annotated[int, Meta(ge=1 << 9, le=1 << 30)]

Limit = Count | Literal["max"] | None
"""A limit file: bytes, the kernel's word "max" (no limit), or None where there is no such file."""


class Swap(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """memory.swap.*: what of this cgroup is swapped out, and what it may swap."""

    current_bytes: Count | None = None
    peak_bytes: Count | None = None
    high_bytes: Limit = None
    max_bytes: Limit = None
    events: dict[str, Count] | None = None


class Zswap(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """memory.zswap.*: the compressed pool's share; `current_bytes` is the compressed size."""

    current_bytes: Count | None = None
    max_bytes: Limit = None
    writeback: Count | None = None


class Pressure(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One line of memory.pressure: shares of time in percent, `total` in microseconds."""

    avg10: Amount
    avg60: Amount
    avg300: Amount
    total: Count


class Cgroup(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The memory files of one cgroup v2 directory (Documentation/admin-guide/cgroup-v2.rst).

    Read in cAdvisor's order: memory.stat at `read_at`, then memory.current at `current_read_at`, and,
    after the processes, memory.current again. `absent` maps a file's name to why it has no value here.
    """

    path: str
    """From the root of the cgroup mount, with a leading slash."""
    inode: Count | None = None
    """What identifies a cgroup; a path may be made anew."""
    read_at: Amount | None = None
    current_bytes: Count | None = None
    current_read_at: Amount | None = None
    current_again_bytes: Count | None = None
    current_again_read_at: Amount | None = None
    peak_bytes: Count | None = None
    min_bytes: Limit = None
    low_bytes: Limit = None
    high_bytes: Limit = None
    max_bytes: Limit = None
    oom_group: bool | None = None
    stat: dict[str, Count] | None = None
    """memory.stat: bytes or event counts, under the kernel's own names; a missing key is unknown."""
    events: dict[str, Count] | None = None
    events_local: dict[str, Count] | None = None
    pressure: dict[str, Pressure] | None = None
    """memory.pressure by line: "some", "full"."""
    swap: Swap = field(default_factory=Swap)
    zswap: Zswap = field(default_factory=Zswap)
    hugetlb: dict[str, Count] | None = None
    """hugetlb.SIZE.current in bytes by SIZE ("2MB"); outside memory.current unless the mount says so."""
    numa_stat: dict[str, dict[str, Count]] | None = None
    """memory.numa_stat: {field: {"N0": bytes}}; only when asked for."""
    descendants: dict[str, Count] | None = None
    """cgroup.stat: nr_descendants, nr_dying_descendants and whatever else the kernel counts."""
    controllers: list[str] | None = None
    absent: dict[str, str] = field(default_factory=dict)


class MappedPart(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Mappings of one process that are one thing, added up: a part of its private memory.

    How much of Pss_Anon is theirs the kernel says exactly, but where a file's own pages and copied ones lie
    in one mapping and some of them are shared: then `anon_low_bytes` and `anon_high_bytes` differ.
    """

    kind: str
    """"heap" (brk), "stack" (of the first thread), "named" ([anon:NAME]), "file" (copied pages of a mapped
    file), "large" (one unnamed mapping), "small" (the other unnamed ones), "rest" (parts beyond the largest);
    and by their shape: "bss" (a file's zeroed data), "arena" (glibc's malloc), "thread-stack", "go-heap",
    "v8", "jit", "jvm-heap", "jvm-metaspace" (memcollect_agent.measure.shapes)."""
    name: str = ""
    """Of a file its path, of a named mapping its name, which the process chose: escape it."""
    mappings: Count = 0
    size_bytes: Count = 0
    """Of address space."""
    rss_bytes: Count = 0
    anon_low_bytes: Count = 0
    anon_high_bytes: Count = 0
    swap_pss_bytes: Count | None = None
    huge_bytes: Count | None = None
    """AnonHugePages: what of it is mapped in huge pages."""
    ksm_bytes: Count | None = None
    """Pages that KSM has merged; only some kernels tell."""


class ProcessMappings(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A process's private memory by what it is mapped for, from /proc/PID/smaps; only when asked for."""

    parts: list[MappedPart] = field(default_factory=list)
    """The largest first; mappings without any private memory, resident or swapped, are in none."""
    mappings: Count = 0
    """How many the process has, as far as they were read."""
    pss_anon_before_bytes: Count | None = None
    """Pss_Anon of smaps_rollup right before smaps was read …"""
    pss_anon_bytes: Count | None = None
    """… and right after it: what moved meanwhile bounds how far parts and whole may disagree."""
    missing: str = ""
    """Why the parts are not all of it, or there are none, as a sentence."""


class Process(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One process of a cgroup's subtree. A process is its pid and its start time together."""

    pid: Count
    ppid: Count
    start_time: Amount
    state: str = "?"
    """The letter of /proc/PID/stat: R, S, D, Z (zombie), …"""
    comm: str = ""
    """Cut to 15 bytes by the kernel, and the process may have chosen it: never trust, always escape."""
    command: str | None = None
    """argv joined by spaces, credentials masked; only when asked for."""
    exe: str | None = None
    cgroup: str | None = None
    """Path below the container's cgroup, e.g. "/init.scope"; None: the container's own."""
    threads: Count | None = None
    rss_bytes: Count | None = None
    pss_bytes: Count | None = None
    pss_anon_bytes: Count | None = None
    pss_file_bytes: Count | None = None
    pss_shmem_bytes: Count | None = None
    lazyfree_bytes: Count | None = None
    swap_pss_bytes: Count | None = None
    page_tables_bytes: Count | None = None
    """VmPTE of /proc/PID/status."""
    smaps_rollup: dict[str, Count] = field(default_factory=dict)
    """Every other field of smaps_rollup, under the kernel's own names, in bytes."""
    shares_with: Count | None = None
    """The pid of the process whose address space this is too (vfork, CLONE_VM): that one's numbers are in
    the sums, and these are the same pages again."""
    skipped: str = ""
    """Why only `rss_bytes` is known, as SkippedProcess.reason."""
    mapped: ProcessMappings | None = None
    """Only when asked for, of a process with an address space of its own."""


class SkippedProcess(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A process that was listed but whose smaps_rollup has no numbers in the sums."""

    pid: Count
    comm: str = ""
    reason: str = ""
    """A word: "denied", "budget", "ceiling", "unreadable", "unsupported" (the kernel has no smaps_rollup)."""
    detail: str = ""
    rss_bytes: Count | None = None
    """VmRSS of /proc/PID/status, where that could still be read: an upper bound of its PSS."""


class LargestProcess(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The process with the most private memory of a cgroup's that were read."""

    pid: Count
    comm: str = ""
    """What it calls itself: anything, at most 15 characters. Escape it, and rest nothing on it."""
    pss_anon_bytes: Count


class Rings(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Pages of the kernel's own that processes map and smaps_rollup counts as pages of files, by PSS.

    They are in `pss_file_bytes`, and no file's. The first two are charged to no cgroup; the others to that of
    their maker, as kernel memory.
    """

    perf_bytes: Count = 0
    """Rings of perf_event_open."""
    socket_bytes: Count = 0
    """Rings of packet sockets (AF_PACKET, AF_XDP)."""
    io_uring_bytes: Count = 0
    """Queues of io_uring."""
    bpf_bytes: Count = 0
    """Maps of BPF, its ring buffers among them."""
    looked_at: Count = 0
    """Processes whose mappings were looked through: those with more than 1 MiB of file pages."""
    unread: Count = 0
    """Such processes that were not: refused, out of time, or beyond the most."""


class ProcessSums(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Sums over the processes that were read; never a total when something was skipped.

    A field is None where no process gave it (the kernel lacks it, or nothing was read). An address space
    that several processes share counts once in every sum but `rss_bytes`, which is what `ps` adds up.
    listed = read + vanished + kernel_threads + zombies + len(skipped) + skipped_unlisted.
    """

    listed: Count = 0
    read: Count = 0
    vanished: Count = 0
    """Ended between listing and reading: normal."""
    zombies: Count = 0
    kernel_threads: Count = 0
    threads: Count | None = None
    rss_bytes: Count | None = None
    pss_bytes: Count | None = None
    pss_anon_bytes: Count | None = None
    pss_file_bytes: Count | None = None
    pss_shmem_bytes: Count | None = None
    lazyfree_bytes: Count | None = None
    swap_bytes: Count | None = None
    swap_pss_bytes: Count | None = None
    locked_bytes: Count | None = None
    anon_huge_bytes: Count | None = None
    ksm_bytes: Count | None = None
    """Pages that KSM has merged, counted for each place that maps them; only some kernels tell."""
    hugetlb_bytes: Count | None = None
    page_tables_bytes: Count | None = None
    """Σ VmPTE; read only where memory.stat has no page tables, or when process detail was asked for."""
    descriptors: Count | None = None
    """Σ of the files, sockets and pipes that each has open: what forks share counts for each of them. Looked
    at only in cgroups where the kernel's objects and caches of files are large enough to ask; before Linux
    6.2 None of more than 8,192, too."""
    largest: LargestProcess | None = None
    """By private memory; known of every sample, for it costs no further read."""
    skipped: list[SkippedProcess] = field(default_factory=list)
    skipped_unlisted: Count = 0
    """Skipped beyond the first 100, of which only the number is kept."""
    skipped_unlisted_rss_bytes: Count | None = 0
    """Their RSS; None where it is not known of one of them."""
    sharing: Count = 0
    """Processes among `read` that share the address space of another one of them (vfork, CLONE_VM)."""
    sharing_by: str = ""
    """How that is known: "kcmp" (the kernel said so), or "layout": their randomised layouts are equal,
    their sizes about so, and no page of theirs is copied on write, as forks' would be."""
    sharing_rss_bytes: Count | None = None
    """What of `rss_bytes` is the same pages again."""
    alike: Count = 0
    """Processes among `read` that may share another one's address space: their numbers are equal, and this
    kernel or its permissions left it at that. They are in the sums."""
    alike_pss_bytes: Count | None = None
    """What of `pss_bytes` may therefore be counted twice, and so of the following."""
    alike_pss_anon_bytes: Count | None = None
    alike_pss_file_bytes: Count | None = None
    alike_pss_shmem_bytes: Count | None = None
    read_from: Amount | None = None
    read_until: Amount | None = None
    rings: Rings | None = None
    """None: not looked for, since nothing pointed to any, or by an agent that does not know of them."""
    block_bytes: Count | None = None
    """The smallest block of the disks' file systems that the first of its processes has mounted. Looked at
    only where the reclaimable kernel memory is large enough to ask; None: not looked at, or there is none."""


class Region(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What of one process is mapped from one place: mappings of the same name added up (/proc/PID/smaps).

    A field that the kernel does not give is None. `name` comes from whoever made the file: escape it.
    """

    backing: str
    """"memfd", "shm" (tmpfs, shared anonymous), "file", "hugetlb", "anon" (large unnamed private mappings,
    see memcollect_agent.sandbox.regions) or "rest" (all that is too small to be told apart)."""
    name: str = ""
    """The memfd's or the file's name, without the kernel's " (deleted)"; "" for anonymous memory."""
    private: bool = False
    """Whether it is mapped copy-on-write (MAP_PRIVATE)."""
    writable: bool = False
    mappings: Count = 0
    size_bytes: Count = 0
    """Of address space."""
    rss_bytes: Count = 0
    pss_bytes: Count = 0
    anon_bytes: Count | None = None
    """Pages that were written in a private mapping, or had no file from the beginning (`Anonymous`)."""
    hugetlb_bytes: Count | None = None


class Hint(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A process that belongs to a sandbox runtime, and how it was recognised."""

    kind: str
    """"sentry", "sentry-stub", "gofer", "vmm", "kata-shim", "virtiofsd", "cube-shim", "jailer" or "execd";
    of a keeper (NodeSample.keepers) also "shim" or "monitor"."""
    pid: Count
    program: str
    """The name by which it was recognised, e.g. "qemu-system-x86_64"."""
    by: str
    """"argv[0]", "exe" or "comm"."""
    sandbox_id: str | None = None
    """The sandbox's id, where its command line or its cgroup tells it."""
    rss_bytes: Count | None = None
    pss_bytes: Count | None = None
    regions: list[Region] = field(default_factory=list)
    """Of a Sentry, a VMM or a shim that holds one: what it maps; empty where that was not read."""
    regions_missing: str = ""
    """Why `regions` is empty or cut short, as a sentence."""


class Payer(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Of one file's resident pages those that are charged to one cgroup (/proc/kpagecgroup)."""

    cgroup_inode: Count
    """0: to no cgroup. Of a removed cgroup: its nearest ancestor that lives."""
    path: str | None = None
    """Of the pod's own cgroups, as Cgroup.path; None: another's."""
    bytes: Count


class FileUse(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One file that a pod can reach, and what of it is in memory. Names are the pods' own: escape them.

    `resident_*` says how much is there, whoever pays for it; only `payers` says who does.
    """

    path: str
    """As the pod's processes name it; of an image's layer from the image's root."""
    place: str
    """"image", "writable" (the container's own layer), "volume", "tmpfs", "disk" (any other mount), "mapped"
    (known from smaps alone), "shared" (shared memory without a file), "memfd" or "deleted" (a file without
    a name, held open)."""
    volume: str = ""
    """The volume's name in the pod's spec, where the mount says so."""
    volume_kind: str = ""
    """"empty-dir", "configmap", "projected", "csi", …, as the kubelet's paths have it."""
    mount: str = ""
    """Where the file system is mounted that it is on."""
    device: Count = 0
    """With the inode what tells two files apart (st_dev)."""
    inode: Count = 0
    size_bytes: Count | None = None
    """Its length; more than it takes where it is sparse."""
    resident_low_bytes: Count | None = None
    resident_high_bytes: Count | None = None
    by: str = ""
    """How that is known: "cachestat", "mincore", "blocks" (of tmpfs: what is in swap is in the upper end),
    "statvfs" (all of a tmpfs that no file of ours names), "smaps" (at least what one process maps)."""
    is_shmem: bool = False
    """Whether memory.stat counts its pages under `shmem`, as those of every tmpfs and memfd."""
    dirty_bytes: Count | None = None
    """Not written yet or being written; cachestat alone tells."""
    pids: list[Count] = field(default_factory=list)
    """Processes of the pod that map it or hold it open, a few at most."""
    may_be_others: bool = False
    """Whether it is merely on one of the machine's own mounts, which the pod sees with everybody, and nobody
    can say who pays for it: it is as likely another's."""
    payers: list[Payer] | None = None
    """Who is charged for the resident pages, the largest first; None: not looked at, or it cannot be told."""


class FilesGap(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A place whose files are not known, or not all, and which right or kernel would tell."""

    place: str
    reason: str
    """A word: "denied", "unsupported", "budget", "unsafe", "gone", "unreadable"."""
    detail: str
    files: Count | None = None
    """How many, where they were counted."""


class CgroupPages(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The pages of files that one cgroup pays for, told page by page (/proc/kpageflags, /proc/kpagecgroup).

    Unlike memory.stat, which may be two seconds old, this is what was there. Pages of a removed cgroup are
    under its nearest ancestor that lives.
    """

    path: str
    """As Cgroup.path."""
    active_file_bytes: Count = 0
    """Of page cache, used again since it was read."""
    inactive_file_bytes: Count = 0
    """Of page cache, used once: the first to go."""
    unevictable_file_bytes: Count = 0
    """Of page cache, locked in memory."""
    shmem_bytes: Count = 0
    """Of tmpfs, memfds and shared anonymous memory."""
    dirty_bytes: Count = 0
    """Of page cache, not written yet."""
    huge_bytes: Count = 0
    """Of page cache and tmpfs, in huge pages."""
    untold_bytes: Count = 0
    """Later pages of large folios: kernels before 6.10 tell neither list nor kind of them."""


class PodFiles(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The files behind one pod's page cache and tmpfs."""

    files: list[FileUse] = field(default_factory=list)
    """At most the number asked for: first those of which the pod pays for 1 MiB or more, or may; then those
    of which 1 MiB or more is in memory and others pay; then the small ones; of each the largest first."""
    others: Count = 0
    """Further files with something in memory …"""
    others_bytes: Count = 0
    """… and what of them is, at most."""
    looked_at: Count = 0
    """Files whose cache was asked for, image layers that another pod has too included."""
    gaps: list[FilesGap] = field(default_factory=list)
    payers_unknown: str = ""
    """Why no file has its payers, as a sentence."""
    pages: list[CgroupPages] | None = None
    """Of the pod's cgroups that pay for any, counted page by page; None: not known."""
    pages_unknown: str = ""
    """Why not, as a sentence."""
    before: dict[str, Count] | None = None
    """Lines of the pod's memory.stat before any file was looked at …"""
    after: dict[str, Count] | None = None
    """… and after: looking moves no page, so what differs is the pod's own doing."""
    wall_seconds: Amount = 0.0
    cpu_seconds: Amount = 0.0


class Container(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One cgroup below a pod's: a container's, the pause container's, or one of unknown shape."""

    id: str | None = None
    """The runtime's container id; None where the cgroup's name has no known shape."""
    runtime: str | None = None
    """The prefix in the cgroup's name: "cri-containerd", "crio", "docker", …; None with cgroupfs names."""
    role: str = "container"
    """"container", "pause" (inferred from its one process), "sandbox" (holds a Sentry or a VMM and no app
    container), "overhead" (the runtime's, outside the pod's own cgroup), "started" (another one outside,
    which the pod's processes started), "conmon" or "unknown"."""
    cgroup: Cgroup
    sums: ProcessSums = field(default_factory=ProcessSums)
    processes: list[Process] = field(default_factory=list)
    """The largest by PSS, at most the number asked for; empty unless asked for."""
    hints: list[Hint] = field(default_factory=list)
    """Processes of a sandbox runtime; looked for only where the pod's cgroups are no ordinary pod's."""
    pod_uid: str | None = None
    """Of a stray (NodeSample.strays): its pod, where the cgroup's own name says so."""


class Pod(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One pod's cgroup with its children; outside Kubernetes, one container's or service's cgroup."""

    kind: str = "pod"
    """"pod", "container" (docker, podman, LXC, …), "service" (a systemd unit) or "sandbox" (of a runtime
    without Pods, or one that no pod of this node claims)."""
    uid: str
    """The pod's UID as its cgroup names it (a static pod's config hash); the unit's name if no pod."""
    name: str | None = None
    """Only where the node itself knows it; Kubernetes' names come from its API."""
    qos_class: str | None = None
    """"Guaranteed", "Burstable" or "BestEffort", as the cgroup's path says."""
    driver: str | None = None
    """"systemd" or "cgroupfs", as the cgroup's name says."""
    cgroup: Cgroup
    containers: list[Container] = field(default_factory=list)
    own_sums: ProcessSums = field(default_factory=ProcessSums)
    """Processes that sit in the pod's cgroup itself and in none of its children."""
    own_hints: list[Hint] = field(default_factory=list)
    """As Container.hints, of those processes."""
    outside: list[Container] = field(default_factory=list)
    """Cgroups elsewhere in the tree that belong to this pod by its sandbox's id (role "overhead"), or whose
    first process one of this pod's started (role "started"): in none of the pod's own numbers."""
    within: str = ""
    """The path of the pod's cgroup that this pod's is inside of: a cluster in a pod."""
    twins: list[str] = field(default_factory=list)
    """Paths of further cgroups that bear this pod's UID, and were left out."""
    files: PodFiles | None = None
    """The files behind its page cache and tmpfs; only when asked for."""


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Something asked for that has no number: what, where, why, and what to do."""

    kind: str
    """"pod", "container", "process", "node", "request"."""
    name: str
    reason: str
    """A word: "gone", "denied", "unreadable", "budget", "not-found", "unsupported"."""
    detail: str


class Node(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What of the machine the numbers depend on."""

    name: str
    kernel: str | None = None
    architecture: str | None = None
    """What `uname -m` prints, as "x86_64" or "aarch64". None: not told, as by older agents."""
    boot_id: str | None = None
    boot_time: Amount | None = None
    cpus: Cpus | None = None
    """Online CPUs: the per-CPU stock and the staleness of memory.stat grow with them."""
    memory_nodes: Cpus | None = None
    """How many NUMA nodes have memory: what is bound to one can be without any while others have."""
    page_size_bytes: PageSize | None = None
    meminfo: dict[str, Count] | None = None
    """/proc/meminfo, kB lines in bytes, HugePages_* lines as counts."""
    vmstat: dict[str, Count] | None = None
    """The lines of /proc/vmstat that tell of reclaim, swap, OOM kills and workingset; pages or counts."""
    swap_devices: Count | None = None
    cgroup_version: str | None = None
    """"v2", "hybrid" or "v1"."""
    cgroup_mount_options: list[str] = field(default_factory=list)
    transparent_hugepage: str | None = None
    lru_gen: bool | None = None
    """Whether the kernel ages pages by generations (MGLRU), and so means another thing by "inactive"."""
    ksm_run: Count | None = None
    zswap_enabled: bool | None = None
    ancestors: list[Cgroup] | None = None
    """The cgroups above those that were measured, from the top down, the root left out: limits and events
    alone, and all else of those near their limit. None: an agent that did not read them."""
    absent: dict[str, str] = field(default_factory=dict)


class Cost(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What this sample cost the node."""

    wall_seconds: Amount
    cpu_seconds: Amount
    max_rss_bytes: Count | None = None
    """The most that the agent's process has had resident since it began (VmHWM)."""
    rss_bytes: Count | None = None
    """What it has resident now."""
    descriptors: Count | None = None
    """How many it has open now."""
    threads: Count | None = None
    """How many it runs now."""


class SampleRequest(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is asked of an agent. Unknown fields are refused: a misspelt limit must not be ignored.

    Over HTTP a client that says which schema it speaks is answered all the same, with a problem that
    names each field this agent is too old for.
    """

    pod_uids: list[str] | None = None
    """Only these; None: every pod of the node."""
    container_ids: list[str] = field(default_factory=list)
    """Containers of these pods, to be found wherever their cgroup is (NodeSample.strays)."""
    nested: bool = False
    """Whether pods inside of pods' containers are looked for where no UIDs are given; those that are
    given are looked for there, too, when they are nowhere else."""
    units: list[str] | None = None
    """Shell patterns of container and service names outside Kubernetes; None: pods only."""
    sums: bool = True
    """Whether smaps_rollup is read at all."""
    process_limit: int = 0
    """How many processes per container to list in full, the largest by PSS first; 0: none."""
    full_commands: bool = False
    """Whole command lines; the agent must also have been started to allow it."""
    numa: bool = False
    time_budget_seconds: float = 10.0
    process_ceiling_bytes: int = DEFAULT_CEILING_BYTES
    """A process with a larger RSS is skipped: smaps_rollup holds its mmap lock for ~20 ms per GiB."""
    history: bool = False
    """Whether the agent's history of the same pods comes along (NodeSample.history)."""
    history_since: float | None = None
    """Only points of this time and later, and one before it, so that it lies between two."""
    sandboxes: bool = False
    """Whether sandboxes that have no Pod are looked for too (Pod.kind "sandbox")."""
    pods_parents: bool = False
    """Whether the cgroups that hold all pods are read too (NodeSample.pods_parents)."""
    keeper_ids: list[str] | None = None
    """Ids of sandboxes and containers, 32 or 64 hexadecimal digits: whatever keeps one of them for its
    runtime, wherever on the node, is told (NodeSample.keepers)."""
    mappings: bool = False
    """Whether the private memory of each listed process is told by mapping (Process.mapped); the mappings
    of at most 256 processes are read."""
    tree: bool = False
    """Whether the charge of every slice, service, pod and container of the node is read too, without their
    processes (NodeSample.tree)."""
    file_limit: int = 0
    """How many files behind the page cache and tmpfs of each pod to list, in the order of PodFiles.files; 0:
    none is looked for."""


class HistoryRequest(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is asked of an agent's history alone."""

    pod_uids: list[str] | None = None
    """Only these; None: every pod of the node."""
    since: float | None = None
    """Only points of this time and later, and one before it, so that it lies between two."""


class CgroupHistory(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The points of one cgroup, oldest first; the columns are equally long, None is a number not known.

    A path that was made anew is another cgroup, with an entry of its own.
    """

    path: str
    inode: Count
    pod_uid: str
    """As Pod.uid."""
    container_id: str | None = None
    """As Container.id; None for the pod's own cgroup, and for a child of unknown shape."""
    is_pod: bool = False
    """Whether this is the pod's own cgroup."""
    times: list[Amount] = field(default_factory=list)
    """On the node's clock, taken right after memory.current was read, as cAdvisor does."""
    current_bytes: list[Count | None] = field(default_factory=list)
    inactive_file_bytes: list[Count | None] = field(default_factory=list)
    stat: dict[str, list[Count | None]] = field(default_factory=dict)
    """Other fields of memory.stat in bytes, under the kernel's names; one that no point has is left out."""
    gone_at: Amount | None = None
    """When the cgroup was found to be removed; its points stay until they are too old."""


class LastPoints(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a cgroup held last before something in it was killed for want of memory, or it was removed."""

    cgroup: CgroupHistory
    """Its last points before that."""
    noticed_at: Amount
    """When it was noticed, at most an interval later; on the node's clock."""
    oom_kills: Count | None = None
    """By how much `oom_kill` had risen; 0: it was removed without a kill. None: the pod went with it, or its
    counters could not be read."""


class ClockJump(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The node's clock was set: earlier points bear times of the clock as it was."""

    at: Amount
    """On the clock as it is since."""
    by_seconds: Annotated[float, Meta(ge=-1e15, le=1e15)]
    """Positive: it was set forward."""


class History(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What the agent remembers of the cgroups of the pods that were asked for."""

    interval_seconds: Amount
    depth: Count
    """Points that are kept of each cgroup at most."""
    began_at: Amount | None = None
    """When the first tick was; None before it."""
    ticks: Count = 0
    missed_ticks: Count = 0
    """Ticks that fell out since the agent was held up for longer than an interval."""
    cgroups: list[CgroupHistory] = field(default_factory=list)
    left_out: Count = 0
    """Cgroups of the node that were found but not followed, since there were too many."""
    forgotten: Count = 0
    """Removed cgroups whose points were given up early to bound memory, since the agent's start."""
    last: list[LastPoints] = field(default_factory=list)
    """Of the newest kills and removals, oldest first; they are kept for longer than all other points."""
    clock_jumps: list[ClockJump] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    cost: Cost | None = None
    """Of one tick, on average over the last `depth` ticks."""
    ring_bytes: Count | None = None
    """What all rings of the node hold in memory."""
    root: CgroupHistory | None = None
    """The root cgroup's points, where the tree was asked for too: it has no memory.current, and so
    `current_bytes` is its anon + file, which is what the kubelet calls a node's usage."""


class CgroupUse(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What one cgroup is charged for, and nothing of its processes."""

    path: str
    """From the root of the cgroup mount, with a leading slash."""
    current_bytes: Count | None = None
    stat: dict[str, Count] = field(default_factory=dict)
    """The lines of memory.stat that an account needs, in bytes, under the kernel's own names."""
    dying: Count | None = None
    """nr_dying_descendants of cgroup.stat; read of cgroups that hold others, not of pods and services."""
    populated: bool | None = None
    """Whether a process lives in it or below (cgroup.events); read of pods and containers alone."""
    started_by: str = ""
    """Of a container outside Kubernetes: the cgroup of the pod in which an ancestor of its first process
    lives, a Docker daemon's shim say; "" where there is none."""
    absent: str = ""
    """Why a number is missing, as a sentence."""


class KubeletFile(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What one configuration file of the kubelet says of evictions."""

    path: str
    """Seen from the kubelet's own root."""
    text: str
    """Its lines of evictionHard, evictionSoft and what belongs to them, and nothing else; "" for none."""


class Kubelet(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """When the node's kubelet evicts, as it was told by its command line and its files."""

    options: dict[str, str] = field(default_factory=dict)
    """Of its command line, "eviction-hard" and the like: each overrides what the files say."""
    files: list[KubeletFile] = field(default_factory=list)
    """--config and what is in --config-dir, in the order in which it reads them: a later one overrides."""
    absent: str = ""
    """Why they are not all here, as a sentence."""


class CgroupTree(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The charges of a whole node, each cgroup read once; of what is nested in a pod or service nothing."""

    read_at: Amount
    finished_at: Amount
    root: dict[str, Count] | None = None
    """memory.stat of the root cgroup, in bytes and counts; the root has no memory.current."""
    root_read_at: Amount | None = None
    meminfo: dict[str, Count] | None = None
    """/proc/meminfo right before `root` was read, as Node.meminfo has it …"""
    meminfo_again: dict[str, Count] | None = None
    """… and right after: what moved meanwhile bounds how far the two may disagree."""
    cgroups: list[CgroupUse] = field(default_factory=list)
    """In the order of their paths: a parent before what is in it."""
    left_out: Count = 0
    """Cgroups beyond the ceiling that were found and not read."""
    vanished: Count = 0
    """Removed between being listed and being read: normal."""
    free_percpu_bytes: Count | None = None
    """Free pages on the CPUs' own lists (/proc/zoneinfo), which MemFree does not count."""
    kubelet: Kubelet | None = None
    """None: the node has no kubelet.service (k3s and kind, say, start theirs otherwise)."""
    absent: dict[str, str] = field(default_factory=dict)


class NodeSample(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One answer of one agent."""

    schema_version: Count = SCHEMA_VERSION
    agent_version: str = ""
    sampled_at: Amount
    finished_at: Amount
    node: Node
    pods: list[Pod] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    cost: Cost | None = None
    history: History | None = None
    """Only when asked for; None also where the agent keeps none, and then a problem says so."""
    pods_parents: list[Cgroup] | None = None
    """The kubelet's cgroup of all pods ("/kubepods.slice"), of each kubelet there is; None: not asked for.
    What is charged to it and to none of its pods belongs to removed ones (nr_dying_descendants)."""
    strays: list[Container] = field(default_factory=list)
    """Containers of the pods that were asked for whose cgroup is in none of the pods' own: found by the id
    that was given, or by the pod's UID in the cgroup's name."""
    keepers: list[Hint] | None = None
    """Shims, monitors, VMMs and their helpers whose command lines bear an id that was asked for, which then
    is their `sandbox_id`; None: not asked for, or the time budget was spent first, and a problem says so."""
    tree: CgroupTree | None = None
    """Only when asked for."""
