"""What the kernel can do with each term of a composition, inside the working set and outside. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from memcollect.documents.snapshot import Reclaimable

FATES: Mapping[str, Reclaimable] = {
    "anon": "swap-only",
    "locked_anon": "locked",
    "split_huge": "without-swap",
    "swap_cache": "swap-only",
    "detached_anon": "swap-only",
    "shmem": "swap-only",
    "pinned_shmem": "no",
    "hot_cache": "under-pressure",
    "unwritten_hot_cache": "write-back",
    "locked_cache": "locked",
    "slab_reclaimable": "mostly",
    "open_files": "no",
    "slab_unreclaimable": "no",
    "kernel_stack": "no",
    "page_tables": "no",
    "percpu": "no",
    "vmalloc": "no",
    "zswap": "no",
    "other_kernel": "no",
    "sock": "no",
    "hugetlb": "no",
    "cold_cache": "yes",
    "unwritten_cold_cache": "write-back",
    "lazyfree": "yes",
}
"""By the term's name, which so says it in a summary, too."""
