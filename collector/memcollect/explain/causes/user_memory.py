"""What programs are charged for: private memory, page cache, shared memory. Pure."""

from __future__ import annotations

from memcollect.accounting import charge, user_pages
from memcollect.accounting.facts import Facts
from memcollect.accounting.steps import processes
from memcollect.explain.engine import AmountRule
from memcollect.explain.holder import Holder
from memcollect.units import MIB, human_bytes

WRITE_BACK = (
    "The disk sets the pace: a program that syncs as it writes, or writes more slowly, keeps it small."
)
TMPFS = "Look for files under /dev/shm and in-memory emptyDirs; set sizeLimit on them."
MAPPED_SHMEM = (
    "Most of it is what programs map (a database's buffers, a browser's): see how they are set, for it need"
    " not be in any file that can be listed."
)


def user_memory_rules(holder: Holder) -> tuple[AmountRule, ...]:
    """Return the rules of a container's cgroup in which `holder` holds the memory."""
    return (*_private(holder), *CACHE_RULES, *_shared(holder), *LOOSE_RULES)


def _private(holder: Holder) -> tuple[AmountRule, ...]:
    return (
        AmountRule(
            "anon",
            charge.anon_without_lazyfree,
            f"{{amount}} is private memory {holder.private}{{huge}}).",
            holder.look
            or "Only the application can give it back; look at the processes with the largest PSS.",
            words=_huge_words,
        ),
        AmountRule(
            "locked_anon",
            user_pages.locked_anon,
            "{amount} of private memory is locked (mlock): it stays, even where there is swap.",
            "Only the program can unlock it: look for mlockall, or for a VMM that locks its memory.",
        ),
    )


def _shared(holder: Holder) -> tuple[AmountRule, ...]:
    return (
        AmountRule(
            "shmem",
            charge.shmem,
            f"{{amount}} is {holder.shared}{{kept}}); {holder.stays}, and without swap the kernel cannot drop"
            " it.",
            holder.look or "{look}",
            words=_shmem_words,
        ),
        AmountRule(
            "pinned_shmem",
            user_pages.pinned_shmem,
            f"{{amount}} is {holder.pinned}{{kept}}); {holder.stays}.",
            holder.look or "{look}",
            words=_shmem_words,
        ),
    )


def _huge_words(facts: Facts) -> dict[str, str]:
    """Return how much of it is in huge pages, which look the same however little of them is used."""
    if "stat.anon_thp" not in facts or facts["stat.anon_thp"] < MIB:
        return {"huge": ""}
    huge = human_bytes(facts["stat.anon_thp"])
    return {"huge": f"; {huge} in huge pages, of which one used byte holds all"}


def _shmem_words(facts: Facts) -> dict[str, str]:
    if "stat.file" not in facts or "stat.file_mapped" not in facts:
        return {"kept": "", "look": TMPFS}
    unmapped = facts[processes.unmapped_shmem].interval.estimate
    if unmapped <= facts["stat.shmem"] // 2:
        return {"kept": "", "look": MAPPED_SHMEM}
    return {"kept": "; most of it is mapped by no process, so ps does not show it", "look": TMPFS}


def _age_words(facts: Facts) -> dict[str, str]:
    if "node.lru_gen" not in facts:
        return {"age": "not used lately, as the kernel sees it"}
    generations = "MGLRU: all but its two youngest generations, so it may have been read often"
    return {"age": generations if facts["node.lru_gen"] else "read once, or not for long"}


CACHE_RULES = (
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
)
LOOSE_RULES = (
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
"""Of private memory that processes have given back, or do not map."""
