"""The verdict's opening: the parts of the working set, each with what the kernel can do with it. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import itemgetter

from memcollect.accounting.charge import most_buffer_heads
from memcollect.documents.fates import FATES
from memcollect.documents.snapshot import Composition, Reclaimable, SwapRoom
from memcollect.explain.causes.kernel import told_open
from memcollect.explain.mapped import program_of
from memcollect.explain.statement import SMALLEST_SHARE, Case, Rank, Said
from memcollect.units import human_bytes

_MOSTLY = ((1, 0.5), (2, 0.75))
"""How many terms are most of a part, from what share of it on."""


@dataclass(frozen=True)
class Part:
    """Terms that mean the same to the reader and have the same fate, and how a verdict speaks of them."""

    topic: str
    terms: frozenset[str]
    phrase: str
    with_swap: str = ""
    """The phrase where the memory can go to swap, or nobody knows."""
    named: dict[str, str] = field(default_factory=dict)
    """What to call a term that is more than half of the part, or one of two that are three quarters."""

    @property
    def reclaimable(self) -> Reclaimable:
        """What the kernel can do with its terms."""
        return next(FATES[term] for term in self.terms)

    def told(self, sizes: dict[str, int], room: SwapRoom) -> str:
        """Return the phrase for terms of these sizes."""
        phrase = self.with_swap if self.with_swap and room in ("usable", "unknown") else self.phrase
        mostly = self._mostly(sizes) if self.named else []
        return f"{phrase} (mostly {' and '.join(mostly)})" if mostly else phrase

    def _mostly(self, sizes: dict[str, int]) -> list[str]:
        """Return what to call the term, or the two, that most of it is; nothing where one has no name."""
        whole = sum(sizes.values())
        largest = sorted(sizes, key=sizes.__getitem__, reverse=True)
        for count, share in _MOSTLY:
            terms = largest[:count]
            if sum([sizes[term] for term in terms]) > share * whole:
                return [self.named[term] for term in terms] if self.named.keys() >= set(terms) else []
        return []


PARTS = (
    Part("anon", frozenset({"anon", "detached_anon"}), "is private memory of its processes"),
    Part(
        "locked",
        frozenset({"locked_anon", "locked_cache"}),
        "is locked in memory (mlock, ramfs or secretmem), which stays",
    ),
    Part(
        "split_huge",
        frozenset({"split_huge"}),
        "is rests of split huge pages, which no process maps and the kernel takes back under pressure",
    ),
    Part(
        "swap_cache",
        frozenset({"swap_cache"}),
        "is swap cache, on its way to or from swap",
    ),
    Part(
        "hot_cache",
        frozenset({"hot_cache"}),
        "is page cache the kernel can drop",
    ),
    Part(
        "unwritten_hot_cache",
        frozenset({"unwritten_hot_cache"}),
        "is page cache that must be written out before it can be dropped",
    ),
    Part(
        "shmem",
        frozenset({"shmem"}),
        "is tmpfs or shared memory, which stays",
        with_swap="is tmpfs or shared memory, which only swap could take",
    ),
    Part("pinned_shmem", frozenset({"pinned_shmem"}), "is tmpfs or shared memory, which stays"),
    Part(
        "slab_reclaimable",
        frozenset({"slab_reclaimable"}),
        "is the kernel's caches of files (names, inodes, block records), droppable if unused",
    ),
    Part("open_files", frozenset({"open_files"}), "is inodes and names that open files keep, which stay"),
    Part(
        "kernel",
        frozenset(
            {
                "slab_unreclaimable",
                "kernel_stack",
                "page_tables",
                "percpu",
                "vmalloc",
                "zswap",
                "other_kernel",
                "sock",
            }
        ),
        "is kernel memory, which stays",
        named={
            "kernel_stack": "thread stacks",
            "page_tables": "page tables",
            "sock": "socket buffers",
            "percpu": "per-CPU data",
            "slab_unreclaimable": "kernel objects",
            "vmalloc": "vmalloc",
            "zswap": "compressed swap",
            "other_kernel": "I/O buffers",
        },
    ),
    Part("hugetlb", frozenset({"hugetlb"}), "is huge pages (hugetlb), which stay"),
)
"""Every term of a composition is in one of them."""
_TOPIC_OF = {term: part.topic for part in PARTS for term in part.terms}
UNMAPPED = "is private memory"
"""What is said where much of it is mapped by no process of the pod."""
FILE_NAMES = "is the kernel's cache of file names and inodes, droppable if unused"
"""What the reclaimable kernel caches are where the page cache is too small for many block records."""
OF_OPEN_FILES = frozenset({"kernel", "open_files"})
"""Topics of parts that many open files make large."""
WITH_OPEN = ", with {opened} open"
CACHE_TERMS = frozenset(
    {"hot_cache", "unwritten_hot_cache", "locked_cache", "cold_cache", "unwritten_cold_cache"}
)
_NAME = re.compile(r"[\w.+:@/-]{1,40}")
LEAST_OF_ONE = 0.1
"""Of the private memory: a process that has less is not worth its name."""
IMPOSSIBLE = "The working set is 0 B, though memory.stat counts {counted}: its numbers do not fit each other"
NOTHING = "Its app containers have a working set of 0 B"
NONE_KNOWN = "{whole} in all, of which no part could be told"
TOO_SMALL = "{whole} in all, in no part large enough to name"


def parts(case: Case) -> Iterator[Said]:
    """Yield a clause for every part of the working set that is large enough."""
    composition = case.composition
    if composition is None:
        return
    whole = composition.working_set_bytes
    counted = sum([term.estimate_bytes for term in composition.terms])
    if not whole and counted:
        sentence = IMPOSSIBLE.format(counted=human_bytes(counted))
        rests_on = ["working_set", "residual"]
        yield Said(topic="working_set", sentence=sentence, rank=Rank.PARTS, rests_on=rests_on)
        return
    told = sorted(_large(composition), key=lambda each: -each[0])
    opened = _opened(case, told)
    for place, (amount, part, sizes) in enumerate(told):
        size = human_bytes(amount) if place else _of_whole(amount, whole, alone=len(told) == 1)
        phrase = _phrase(part, sizes, composition)
        if part.topic == "anon":
            phrase = _whose(case, amount, UNMAPPED if _is_unmapped(case) else phrase)
        if part.topic in opened:
            phrase += opened[part.topic]
        yield Said(
            topic=part.topic,
            sentence=f"{size} {phrase}",
            rank=Rank.PARTS,
            weight=amount,
            amount_bytes=amount,
            reclaimable=part.reclaimable,
            rests_on=list(sizes),
        )
    if not told:
        template = NONE_KNOWN if composition.undecided else TOO_SMALL
        sentence = template.format(whole=human_bytes(whole)) if whole else NOTHING
        yield Said(topic="working_set", sentence=sentence, rank=Rank.PARTS, rests_on=["working_set"])


def _opened(case: Case, told: list[tuple[int, Part, dict[str, int]]]) -> dict[str, str]:
    """Return how many files are open, by the topic of the largest part that they may mostly be behind."""
    for _, part, sizes in told:
        if part.topic in OF_OPEN_FILES:
            term, size = max(sizes.items(), key=itemgetter(1))
            is_kept = term in ("slab_unreclaimable", "open_files") and 2 * size >= sum(sizes.values())
            if is_kept and (opened := told_open(size, [facts for _, facts in case.apps])):
                return {part.topic: WITH_OPEN.format(opened=opened)}
    return {}


def _of_whole(amount: int, whole: int, *, alone: bool) -> str:
    """Return what part of the whole it is; where both read alike, that it is all, or nearly so.

    A counter that is not yet flushed can be more than the whole: then it is no part of it, and `alone` all.
    """
    part, of_all = human_bytes(amount), human_bytes(whole)
    if part == of_all:
        return f"{'All' if amount >= whole else 'Nearly all'} of its {of_all}"
    if amount > whole:
        return f"All of its {of_all}" if alone else part
    return f"{part} of {of_all}"


def _is_unmapped(case: Case) -> bool:
    return case.total_of("lent_anon") >= case.least


def _largest_unread(case: Case) -> int:
    """Return the RSS of the largest process whose PSS is not known, in bytes; 0 where none is listed."""
    unread = [
        each for container, _ in case.apps for each in (container.sums.skipped if container.sums else ())
    ]
    return max((each.rss_bytes or 0 for each in unread), default=0)


def _whose(case: Case, amount: int, phrase: str) -> str:
    """Return the phrase with whose the most of `amount` bytes is; as it was where no process holds much.

    A process that was not read may be the larger one: then none is named.
    """
    told = [(each, each.sums.largest) for each, _ in case.apps if each.sums and each.sums.largest]
    found = max(told, key=lambda each: each[1].pss_anon_bytes, default=None)
    if found is None:
        return phrase
    container, largest = found
    # Pages that are charged elsewhere are among a process's own and not among the amount.
    if not LEAST_OF_ONE * amount <= largest.pss_anon_bytes <= amount:
        return phrase
    if _largest_unread(case) > largest.pss_anon_bytes:
        return phrase
    listed = (program_of(each) for each in container.processes if each.pid == largest.pid)
    # "postgres: writer" is cut by the kernel, and a process may call itself a sentence.
    name = next(listed, largest.comm).rstrip(":")
    is_name = _NAME.fullmatch(name) is not None
    if human_bytes(largest.pss_anon_bytes) == human_bytes(amount):
        return (
            f"is private memory of {name} (PID {largest.pid})"
            if is_name
            else f"is private memory of PID {largest.pid}"
        )
    whose = f"{name}'s (PID {largest.pid})" if is_name else f"PID {largest.pid}'s"
    return f"{phrase}, {human_bytes(largest.pss_anon_bytes)} of it {whose}"


def _phrase(part: Part, sizes: dict[str, int], composition: Composition) -> str:
    slab = sizes.get("slab_reclaimable", 0)
    if slab and slab > 2 * most_buffer_heads(_cache_bytes(composition), composition.block_bytes):
        return FILE_NAMES
    return part.told(sizes, composition.swap_room)


def _cache_bytes(composition: Composition) -> int:
    terms = (*composition.terms, *composition.left_out)
    return sum([term.estimate_bytes for term in terms if term.term in CACHE_TERMS])


def _large(composition: Composition) -> Iterator[tuple[int, Part, dict[str, int]]]:
    """Yield the parts that are large enough, each with its amount and that of its terms."""
    least = max(SMALLEST_SHARE * composition.working_set_bytes, 1)
    by_topic: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for term in composition.terms:
        by_topic[_TOPIC_OF[term.term]][term.term] = term.estimate_bytes
    for part in PARTS:
        if part.topic in by_topic and (amount := sum(by_topic[part.topic].values())) >= least:
            yield amount, part, by_topic[part.topic]
