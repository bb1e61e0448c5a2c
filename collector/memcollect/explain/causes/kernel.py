"""What the kernel's own memory is for. Pure."""

from __future__ import annotations

from memcollect.accounting import charge
from memcollect.accounting.facts import Facts
from memcollect.accounting.rules import Amount
from memcollect.explain.engine import AmountRule
from memcollect.units import MIB, human_bytes


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


def _thread_words(facts: Facts) -> dict[str, str]:
    return {"threads": str(facts["threads"]) if "threads" in facts else "an unknown number of"}


def _socket_memory(facts: Facts) -> Amount | None:
    return facts[charge.counter("sock")]


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
