"""What the kernel's own memory is for. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from memcollect.accounting import charge
from memcollect.accounting.facts import Facts
from memcollect.accounting.rules import Amount
from memcollect.explain.engine import AmountRule
from memcollect.units import MIB, human_bytes

OPEN = "{count:,} files, sockets and pipes"


def told_open(size_bytes: int, scopes: Iterable[Facts]) -> str:
    """Return how many files are open, in words, where so many may be why it is so much; "" otherwise."""
    count = sum(facts.get("descriptors", 0) for facts in scopes)
    is_told = count >= charge.LEAST_OPEN and size_bytes <= count * charge.MOST_OF_OPEN_FILE_BYTES
    return OPEN.format(count=count) if is_told else ""


def _object_words(facts: Facts) -> dict[str, str]:
    told = told_open(facts["stat.slab_unreclaimable"], [facts])
    return {"open": f"; its processes have {told} open" if told else ""}


def _open_words(facts: Facts) -> dict[str, str]:
    return {"open": OPEN.format(count=facts["descriptors"])}


def _cache_words(facts: Facts) -> dict[str, str]:
    return {"kinds": _kinds(facts, facts[charge.unused_slab].interval.estimate)}


def _kinds(facts: Facts, whole: int) -> str:
    """Return what is in it: names and inodes for sure only beyond what small blocks' buffer heads may be."""
    if "stat.file" not in facts or "stat.shmem" not in facts:
        return "file names, inodes, or records of the page cache's blocks"
    block = facts.get("procs.block")
    heads = charge.most_buffer_heads(facts["stat.file"] - facts["stat.shmem"], block)
    if whole > 2 * heads:
        known = f", {human_bytes(whole - heads)} of it at least" if heads >= MIB else ""
        return f"file names and inodes (dentries){known}"
    size = human_bytes(min(whole, heads))
    of_blocks = (
        f"on blocks of 1 KiB come to {size}"
        if block is None
        else f"on the smallest blocks it has mounted, of {human_bytes(block)}, come to {size} at most"
    )
    return f"file names, inodes, and records of the page cache's blocks (buffer heads), which {of_blocks}"


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
        charge.unused_slab,
        "{amount} is kernel caches of which pressure drops what is not in use: {kinds}.",
        "Look for programs that make and delete files under ever new names, or search for many that do not"
        " exist.",
        words=_cache_words,
    ),
    AmountRule(
        "open_files",
        charge.open_files,
        "{amount} is inodes and names in the kernel's caches that {open} keep, until they are closed.",
        "Look for files and sockets that are never closed.",
        words=_open_words,
    ),
    AmountRule(
        "slab_unreclaimable",
        charge.counter("slab_unreclaimable"),
        "{amount} is kernel objects that cannot be dropped (sockets, pipes, file handles, inotify, inodes of"
        " tmpfs){open}.",
        "Look for sockets, pipes and watches that are never ended, and for many small files on tmpfs.",
        words=_object_words,
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
