"""The colour of every term, the same wherever it is drawn. Pure.

From Okabe and Ito's and Paul Tol's palettes, which people who see few colours can tell apart; and no picture
depends on them: segments are set apart by gaps, the reclaimable are hatched, and every number is in a table.
"""

from __future__ import annotations

from typing import NamedTuple


class Colour(NamedTuple):
    """A colour on white paper and on a dark screen."""

    light: str
    dark: str


PALETTE = {
    "anon": Colour("#0072b2", "#4ba3dd"),
    "anon2": Colour("#63aee0", "#9fd0f2"),
    "shmem": Colour("#e69f00", "#f0b432"),
    "cache": Colour("#009e73", "#2fc49a"),
    "slab": Colour("#cc79a7", "#dd94bc"),
    "slab2": Colour("#882255", "#c4588f"),
    "stack": Colour("#aa4499", "#cf77c0"),
    "tables": Colour("#332288", "#8a7ee0"),
    "percpu": Colour("#8a8a2e", "#b9b95a"),
    "sock": Colour("#5aa9cc", "#88ccee"),
    "vmalloc": Colour("#b09a3c", "#ddcc77"),
    "zswap": Colour("#44aa99", "#6cc9ba"),
    "kernel": Colour("#77421f", "#c08457"),
    "gone": Colour("#d55e00", "#f07f2e"),
    "runtime": Colour("#8c6d5a", "#b59682"),
    "plain": Colour("#777777", "#a0a0a0"),
    "rest": Colour("#111111", "#ffffff"),
}
"""By the name of the class that carries it."""

CLASSES = {
    "anon": "anon",
    "locked_anon": "anon2",
    "split_huge": "anon2",
    "swap_cache": "anon2",
    "detached_anon": "anon2",
    "lazyfree": "anon2",
    "borrowed_anon": "anon2",
    "lent_anon": "anon2",
    "shmem": "shmem",
    "pinned_shmem": "shmem",
    "unmapped_shmem": "shmem",
    "hot_cache": "cache",
    "unwritten_hot_cache": "cache",
    "locked_cache": "cache",
    "cold_cache": "cache",
    "unwritten_cold_cache": "cache",
    "unmapped_cache": "cache",
    "borrowed_file": "zswap",
    "lent_file": "zswap",
    "rings": "zswap",
    "slab_reclaimable": "slab",
    "open_files": "slab",
    "slab_unreclaimable": "slab2",
    "kernel_stack": "stack",
    "page_tables": "tables",
    "percpu": "percpu",
    "sock": "sock",
    "vmalloc": "vmalloc",
    "zswap": "zswap",
    "other_kernel": "kernel",
    "hugetlb": "plain",
    "dead_containers": "gone",
    "own_kernel": "kernel",
    "monitors": "runtime",
    "pause": "runtime",
    "sandbox": "runtime",
    "pod_processes": "runtime",
    "other_children": "runtime",
    "free": "plain",
    "active_cache": "cache",
    "inactive_cache": "cache",
    "other_user": "anon2",
    "zspages": "zswap",
    "kernel_direct": "kernel",
    "pods": "anon",
    "orphan_pods": "gone",
    "left_by_pods": "slab2",
    "outside_containers": "shmem",
    "services": "runtime",
    "other_cgroups": "percpu",
    "root_own": "stack",
    "kernel_uncharged": "kernel",
    "residual": "rest",
}
OTHERWISE = "plain"
ORDER = {term: place for place, term in enumerate(CLASSES)}
"""In which terms stand in a bar, so that bars can be compared by eye."""


def class_of(term: str) -> str:
    """Return the class of the term's colour; of a term that is not known, that of the plain one."""
    return CLASSES.get(term, OTHERWISE)


def place_of(term: str) -> tuple[int, str]:
    """Return the sort key of the term in a bar; the residual is last."""
    return (len(ORDER) + 1 if term == "residual" else ORDER.get(term, len(ORDER)), term)
