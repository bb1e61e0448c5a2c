"""What is worth telling: one rule per cause, as data. Pure.

Amounts come from the very functions that the composition and the ladder use, so that a finding and a
term of the same name can never disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from memcollect.accounting import charge, user_pages
from memcollect.accounting.facts import CHARGED_RINGS, RING_KINDS, Facts
from memcollect.accounting.rules import Amount, TermRule, measured
from memcollect.accounting.steps import dead, processes
from memcollect.documents.snapshot import Depth, Pod
from memcollect.explain.engine import AmountRule, Rule
from memcollect.explain.limits import LIMIT_RULES
from memcollect.explain.slowed import SLOWED_RULES
from memcollect.units import KIB, MIB, human_bytes

WRITE_BACK = (
    "The disk sets the pace: a program that syncs as it writes, or writes more slowly, keeps it small."
)
TMPFS = "Look for files under /dev/shm and in-memory emptyDirs; set sizeLimit on them."
MAPPED_SHMEM = (
    "Most of it is what programs map (a database's buffers, a browser's): see how they are set, for it need"
    " not be in any file that can be listed."
)
HEAPS = "of the processes (heaps, stacks, JITs"
TMPFS_OR_SHARED = "tmpfs or shared memory (/dev/shm, emptyDir medium Memory, memfd"
PINNED = (
    "tmpfs or shared memory that swap cannot take (mounted noswap, as the kubelet mounts emptyDir medium"
    " Memory, or locked"
)
STAYS = "it stays until its files are deleted and no process has them open or maps them"


def _term(rules: Iterable[TermRule], name: str) -> Callable[[Facts], Amount | None]:
    return next(rule.amount for rule in rules if rule.term == name)


def _shmem_words(facts: Facts) -> dict[str, str]:
    if "stat.file" not in facts or "stat.file_mapped" not in facts:
        return {"kept": "", "look": TMPFS}
    unmapped = facts[processes.unmapped_shmem].interval.estimate
    if unmapped <= facts["stat.shmem"] // 2:
        return {"kept": "", "look": MAPPED_SHMEM}
    return {"kept": "; most of it is mapped by no process, so ps does not show it", "look": TMPFS}


def _huge_words(facts: Facts) -> dict[str, str]:
    """Return how much of it is in huge pages, which look the same however little of them is used."""
    if "stat.anon_thp" not in facts or facts["stat.anon_thp"] < MIB:
        return {"huge": ""}
    huge = human_bytes(facts["stat.anon_thp"])
    return {"huge": f"; {huge} in huge pages, of which one used byte holds all"}


def _age_words(facts: Facts) -> dict[str, str]:
    if "node.lru_gen" not in facts:
        return {"age": "not used lately, as the kernel sees it"}
    generations = "MGLRU: all but its two youngest generations, so it may have been read often"
    return {"age": generations if facts["node.lru_gen"] else "read once, or not for long"}


def _cache_words(facts: Facts) -> dict[str, str]:
    """Return what is in it: names and inodes for sure only beyond what small blocks' buffer heads may be."""
    whole = facts["stat.slab_reclaimable"]
    if "stat.file" not in facts or "stat.shmem" not in facts:
        return {"kinds": "file names, inodes, or records of the page cache's blocks"}
    block = facts.get("procs.block")
    heads = charge.most_buffer_heads(facts["stat.file"] - facts["stat.shmem"], block)
    if whole > 2 * heads:
        known = f", {human_bytes(whole - heads)} of it at least" if heads >= MIB else ""
        return {"kinds": f"file names and inodes (dentries){known}"}
    size = human_bytes(min(whole, heads))
    of_blocks = (
        f"on blocks of 1 KiB come to {size}"
        if block is None
        else f"on the smallest blocks it has mounted, of {human_bytes(block)}, come to {size} at most"
    )
    kinds = f"file names, inodes, and records of the page cache's blocks (buffer heads), which {of_blocks}"
    return {"kinds": kinds}


def _dead_words(facts: Facts) -> dict[str, str]:
    left = {key: max(0, facts[f"stat.{key}"] - facts[f"children.{key}"]) for key in ("anon", "file", "shmem")}
    cache = left["file"] - left["shmem"]
    kinds = ((left["shmem"], "tmpfs"), (cache, "page cache"), (left["anon"], "private memory"))
    return {"kinds": ", ".join(f"{human_bytes(size)} {kind}" for size, kind in kinds if size >= KIB)}


def _hugetlb_words(facts: Facts) -> dict[str, str]:
    charged = "stat.hugetlb" in facts or "hugetlb_charged" in facts
    return {"place": "charged here like other memory" if charged else "beside memory.current, not in it"}


def _unread_words(facts: Facts) -> dict[str, str]:
    unread, most = facts["procs.unread"], human_bytes(facts["procs.unread_rss"])
    # Facts tell of what was not read in one sentence for each reason, which holds the remedy.
    told = {"unread": counted(unread, "process"), "most": most, "why": facts.reason("procs.unread_why")}
    return told | {"them": "it" if unread == 1 else "them"}


def _alike_words(facts: Facts) -> dict[str, str]:
    count = facts["procs.alike"]
    return {"alike": counted(count, "process"), "have": "has" if count == 1 else "have"}


def _sharing_words(facts: Facts) -> dict[str, str]:
    count = facts["procs.sharing"]
    return {"sharing": counted(count, "process"), "share": "shares" if count == 1 else "share"}


def counted(count: int, what: str) -> str:
    """Return "1 process", "3 processes"."""
    return f"{count} {what}" if count == 1 else f"{count} {what}{'es' if what.endswith('s') else 's'}"


def _sharing(facts: Facts) -> Amount | None:
    if "procs.sharing_rss" not in facts:
        return None
    rss = facts["procs.sharing_rss"]
    return measured(rss, f"Σ Rss {rss} of processes that share another one's address space")


def _alike(facts: Facts) -> Amount | None:
    amount = facts[processes.alike_processes]
    return None if amount is None else Amount(-amount.interval, amount.confidence, amount.evidence)


def _rss_words(facts: Facts) -> dict[str, str]:
    return {"rss": human_bytes(facts["procs.rss"]), "pss": human_bytes(facts["procs.pss"])}


def _borrowed_words(facts: Facts) -> dict[str, str]:
    """Return what else such pages may be, by what was looked at."""
    looked = "procs.rings_unread" in facts and not facts["procs.rings_unread"]
    rings = "ring buffers (perf, packet sockets, io_uring, BPF), which count as kernel memory or to nobody"
    return {"else_": "a driver's, mapped from its device" if looked else rings}


def _ring_words(facts: Facts) -> dict[str, str]:
    sizes = {kind: facts[f"procs.rings_{kind}"] for kind in RING_KINDS}
    kinds = [f"{human_bytes(size)} {RING_KINDS[kind]}" for kind, size in sizes.items() if size]
    charged = [kind in CHARGED_RINGS for kind, size in sizes.items() if size]
    if not any(charged):
        return {"kinds": ", ".join(kinds), "charged": "no cgroup is charged for it"}
    whose = "what is BPF's or io_uring's" if not all(charged) else "it"
    where = "charged to its maker's cgroup as kernel memory"
    rest = "" if all(charged) else ", the rest to none"
    return {"kinds": ", ".join(kinds), "charged": f"{whose} is {where}{rest}"}


def _thread_words(facts: Facts) -> dict[str, str]:
    return {"threads": str(facts["threads"]) if "threads" in facts else "an unknown number of"}


def _socket_memory(facts: Facts) -> Amount | None:
    return facts[charge.counter("sock")]


def _swapped(facts: Facts) -> Amount | None:
    if "swap.current" not in facts and "node.swap_devices" in facts and not facts["node.swap_devices"]:
        return None
    return measured(facts["swap.current"], f"memory.swap.current {facts['swap.current']}")


def _zswapped(facts: Facts) -> Amount | None:
    if "stat.zswap" in facts:
        return facts[charge.counter("zswap")]
    if "zswap.current" not in facts:
        return None
    return measured(facts["zswap.current"], f"memory.zswap.current {facts['zswap.current']}")


def _hugetlb(facts: Facts) -> Amount | None:
    charged = facts[charge.hugetlb_charged]
    return charged if charged is not None else facts[charge.hugetlb_beside]


def _moved(facts: Facts) -> Amount | None:
    if "current_again" not in facts:
        return None
    return measured(
        facts["current_again"] - facts["current"], "memory.current before and after the processes were read"
    )


CHARGE_RULES = (
    AmountRule(
        "anon",
        charge.anon_without_lazyfree,
        f"{{amount}} is private memory {HEAPS}{{huge}}).",
        "Only the application can give it back; look at the processes with the largest PSS.",
        words=_huge_words,
    ),
    AmountRule(
        "locked_anon",
        user_pages.locked_anon,
        "{amount} of private memory is locked (mlock): it stays, even where there is swap.",
        "Only the program can unlock it: look for mlockall, or for a VMM that locks its memory.",
    ),
    AmountRule(
        "hot_cache",
        charge.hot_cache,
        "{amount} is page cache that the kernel holds to be in use (its active list), so kubectl top counts"
        " it; the kernel drops it under pressure, though reading the files again will cost time.",
        "Don't size for it: it shrinks when others need room. posix_fadvise(DONTNEED) or a"
        " memory.high limit keeps it small.",
    ),
    AmountRule(
        "unwritten_hot_cache",
        charge.unwritten_hot_cache,
        "{amount} is page cache that is not on disk yet, so kubectl top counts it, and the kernel drops it"
        " only once it is written.",
        WRITE_BACK,
    ),
    AmountRule(
        "locked_cache",
        user_pages.locked_cache,
        "{amount} is file pages that cannot be dropped: locked (mlock), or of ramfs or secretmem.",
        "Unlock the files, or delete them from ramfs; a tmpfs with a size limit can at least be swapped.",
    ),
    AmountRule(
        "cold_cache",
        charge.cold_cache,
        "{amount} is page cache on the kernel's inactive list ({age}); it is charged here, but kubectl top"
        " leaves it out and the kernel drops it first.",
        words=_age_words,
    ),
    AmountRule(
        "unwritten_cold_cache",
        charge.unwritten_cold_cache,
        "{amount} is page cache that is not on disk yet: it is charged here, kubectl top leaves it out, and"
        " the kernel drops it only once it is written.",
        WRITE_BACK,
    ),
    AmountRule(
        "shmem",
        charge.shmem,
        f"{{amount}} is {TMPFS_OR_SHARED}{{kept}}); {STAYS}, and without swap the kernel cannot drop it.",
        "{look}",
        words=_shmem_words,
    ),
    AmountRule(
        "pinned_shmem",
        user_pages.pinned_shmem,
        f"{{amount}} is {PINNED}{{kept}}); {STAYS}.",
        "{look}",
        words=_shmem_words,
    ),
    AmountRule(
        "lazyfree",
        charge.lazily_freed,
        "{amount} was given back with MADV_FREE; ps still counts it as RSS, kubectl top does not, and the"
        " kernel takes it at once when it needs it.",
    ),
    AmountRule(
        "split_huge",
        charge.split_huge,
        "{amount} is rests of huge pages that were unmapped in part: no process maps them, ps does not show"
        " them, and the kernel takes them back under pressure, swap or not.",
        "It grows where an allocator gives back parts of huge pages: transparent huge pages on madvise, or"
        " an allocator that knows of them, keep it small.",
    ),
    AmountRule(
        "swap_cache",
        charge.detached_swap_cache,
        "{amount} is swap cache: pages on their way to or from swap, which no process maps.",
    ),
    AmountRule(
        "detached_anon",
        charge.unnamed_detached,
        "{amount} is anonymous memory that no process maps any more: swap cache, or rests of split huge"
        " pages. This kernel does not tell which.",
    ),
)
KERNEL_RULES = (
    AmountRule(
        "kernel_stack",
        charge.counter("kernel_stack"),
        "{amount} is kernel stacks, of {threads} threads.",
        "Fewer threads: look at thread pool sizes.",
        words=_thread_words,
    ),
    AmountRule(
        "page_tables",
        charge.page_tables,
        "{amount} is page tables: large or sparse address spaces, or many processes that map the same file.",
    ),
    AmountRule(
        "slab_reclaimable",
        charge.counter("slab_reclaimable"),
        "{amount} is kernel caches that are mostly dropped under pressure: {kinds}.",
        "Look for programs that make and delete files under ever new names, or search for many that do not"
        " exist.",
        words=_cache_words,
    ),
    AmountRule(
        "slab_unreclaimable",
        charge.counter("slab_unreclaimable"),
        "{amount} is kernel objects that cannot be dropped (sockets, pipes, file handles, inotify).",
    ),
    AmountRule(
        "percpu", charge.optional_counter("percpu"), "{amount} is per-CPU kernel memory (cgroups, BPF maps)."
    ),
    AmountRule("vmalloc", charge.optional_counter("vmalloc"), "{amount} is kernel memory mapped by vmalloc."),
    AmountRule(
        "other_kernel",
        charge.other_kernel,
        "{amount} is kernel memory that this kernel does not itemise (large buffers: pipes, sockets, I/O).",
    ),
    AmountRule(
        "sock",
        _socket_memory,
        "{amount} is network socket buffers: data that waits to be sent, or to be read.",
    ),
)
NEIGHBOUR_RULES = (
    AmountRule(
        "double_counted",
        processes.double_counted,
        "Adding up RSS gives {rss}; {amount} of that is pages counted again in every process that maps them,"
        " here or in other pods (shared libraries, forked workers). The fair share (PSS) is {pss}.",
        words=_rss_words,
    ),
    AmountRule(
        "ksm",
        processes.merged_pages,
        "{amount} is pages of the same content that KSM has merged: ps counts each of them, and the cgroup"
        " pays for one in very many.",
    ),
    AmountRule(
        "borrowed_anon",
        processes.borrowed_anon,
        "{amount} of private memory is mapped here but charged to another cgroup: the process was moved here,"
        " or it shares pages with a parent elsewhere.",
    ),
    AmountRule(
        "lent_anon",
        processes.lent_anon,
        "{amount} of private memory is charged here but mapped by no process of this cgroup: its process was"
        " moved away, or forked into another cgroup.",
    ),
    AmountRule(
        "borrowed_file",
        processes.borrowed_file,
        "{amount} of file pages is mapped here and not charged here: another cgroup read them first and pays,"
        " or did and is gone, or they are {else_}.",
        "Identical pods differ by this: the first to start pays for the shared image pages.",
        words=_borrowed_words,
    ),
    AmountRule(
        "rings",
        processes.ring_pages,
        "{amount} is memory of the kernel that processes here map ({kinds}): ps counts it as pages of files,"
        " and {charged}.",
        words=_ring_words,
    ),
    AmountRule(
        "lent_file",
        processes.lent_file,
        "{amount} of file pages is charged here but mapped by processes elsewhere: they were read here first,"
        " and this cgroup pays.",
    ),
    AmountRule(
        "unread_processes",
        processes.unread_processes,
        "PSS is not known of {unread}, of {most} RSS: {amount} of the charge is put down to {them}.",
        "Why: {why}.",
        severity="warning",
        least_bytes=0,
        words=_unread_words,
    ),
    AmountRule(
        "sharing_processes",
        _sharing,
        "{sharing} {share} another one's address space (vfork, CLONE_VM, gVisor's stubs): ps adds {amount}"
        " again, PSS here does not.",
        words=_sharing_words,
    ),
    AmountRule(
        "alike_processes",
        _alike,
        "{alike} {have} the very numbers of another and may be the same address space (vfork, CLONE_VM):"
        " {amount} of their PSS is put down to counting it twice, for no more is charged here.",
        "A kernel with kcmp (CONFIG_KCMP), and the right to use it, would tell.",
        words=_alike_words,
    ),
)
STATE_RULES = (
    AmountRule(
        "swap", _swapped, "{amount} is swapped out: in nobody's RSS, PSS or kubectl top.", least_bytes=KIB
    ),
    AmountRule(
        "zswap",
        _zswapped,
        "{amount} is compressed swap held in memory, and charged here as kernel memory.",
        least_bytes=KIB,
    ),
    AmountRule(
        "hugetlb",
        _hugetlb,
        "{amount} is hugetlb pages: {place}.",
        least_bytes=KIB,
        words=_hugetlb_words,
    ),
    AmountRule(
        "moving",
        _moved,
        "The charge moved by {amount} while it was being read, so differences of that size mean nothing.",
    ),
)
POD_RULES = (
    AmountRule(
        "dead_swap",
        dead.dead_swap,
        "{amount} in swap is still charged to this pod by containers that are gone: tmpfs or private memory.",
        "tmpfs goes when the files in shared volumes are deleted.",
        severity="notice",
    ),
    AmountRule(
        "dead_containers",
        dead.dead_containers,
        "{amount} is still charged to this pod by containers that are gone (an init container, a"
        " restart): {kinds}; kubectl top shows nothing of it, the pod's limit does.",
        "Page cache goes under pressure; tmpfs goes when the files in shared volumes are deleted.",
        severity="notice",
        words=_dead_words,
    ),
    AmountRule(
        "pod_processes",
        dead.pod_processes,
        "{amount} is charged to the pod's own cgroup, where processes live outside of every container (a"
        " gVisor sentry, a virtual machine monitor); it is in no container's working set.",
        severity="notice",
    ),
    AmountRule(
        "dead_slab",
        dead.dead_slab,
        "{amount} is the kernel's caches of files (names, inodes) that are charged to the pod and to none of"
        " its containers: left by containers that are gone, and mostly dropped under pressure; kubectl top"
        " shows nothing of it, the pod's limit does.",
        "Look at init containers, and runs before a restart, that unpacked, cloned or searched many files.",
        severity="notice",
    ),
    AmountRule(
        "pod_kernel",
        dead.kept_kernel,
        "{amount} is kernel memory that stays and is charged to the pod and to none of its containers: of"
        " containers that are gone (BPF maps, sockets), or the kernel's own records of the pod's cgroups;"
        " kubectl top shows nothing of it, the pod's limit does.",
        "It goes when what holds it is closed: look for BPF maps pinned below /sys/fs/bpf (bpftool map), and"
        " for files and sockets that were handed on.",
        severity="notice",
    ),
    AmountRule(
        "monitors",
        _term(dead.RULES, "monitors"),
        "{amount} is charged to CRI-O's monitors in this pod (conmon), which write the containers' logs:"
        " kubectl top shows nothing of it, the pod's limit does.",
        "Page cache of log files goes under pressure. conmon_cgroup in CRI-O's configuration says whose"
        " it is.",
        severity="notice",
    ),
    AmountRule(
        "pause",
        _term(dead.RULES, "pause"),
        "{amount} is the pause container, which kubectl top leaves out.",
        least_bytes=512 * KIB,
    ),
)


_STATES: Sequence[Rule] = (*LIMIT_RULES, *SLOWED_RULES)
_AMOUNTS = (*CHARGE_RULES, *KERNEL_RULES, *NEIGHBOUR_RULES, *STATE_RULES)


def _with_states(amounts: Iterable[AmountRule]) -> dict[Depth, Sequence[Rule]]:
    return {"full": (*_STATES, *amounts), "summary": (*_STATES, *(rule.in_brief() for rule in amounts))}


_OF_CONTAINERS = _with_states(_AMOUNTS)
_OF_PODS = _with_states(POD_RULES)


def rules_for_container(depth: Depth = "full") -> Sequence[Rule]:
    """Return the rules that apply to one container's cgroup; in summary without words that nobody is told."""
    return _OF_CONTAINERS[depth]


def rules_for_pod(pod: Pod, depth: Depth = "full") -> Sequence[Rule]:
    """Return the rules that apply to the pod's own cgroup; none for a unit outside Kubernetes."""
    return _OF_PODS[depth] if pod.kind == "pod" else ()
