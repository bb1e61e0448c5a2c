"""One node's account: the verdict, who holds its memory, what it is used for, the ladder to kubectl top."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from memcollect.reporters.escape import visible
from memcollect.reporters.node_words import (
    HOLDERS,
    as_composition,
    eviction_sentences,
    holder_amounts,
    holder_name,
    process_words,
    shown_holders,
    top_sentence,
)
from memcollect.reporters.sizes import short_size, size
from memcollect.reporters.terminal.composition import composition_lines
from memcollect.reporters.terminal.findings import dim, findings_lines, section, undecided_lines
from memcollect.reporters.terminal.ladder import ladder_lines
from memcollect.reporters.terminal.lines import cut_middle, left, paragraph, right

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memcollect.documents.snapshot import NodeAccount, Partition

COLUMN_WIDTH = 8
SHORT = dict(zip(HOLDERS, ("CHARGE", "WORKSET", "ANON", "SHMEM", "CACHE", "KERNEL"), strict=True))


def account_lines(account: NodeAccount, width: int, *, full: bool) -> Iterator[Text]:
    """Yield everything the document says of where one node's memory is."""
    yield Text(cut_middle(f"Node {visible(account.node)}", width), style="bold underline")
    yield from paragraph(account.verdict, width, indent="")
    if account.top is not None:
        yield from (dim(line) for line in paragraph(top_sentence(account), width, indent=""))
    yield from _partition("Who holds it", account.owners, width, full=full)
    yield from _holders(account, width)
    yield from _partition("What it is used for", account.kinds, width, full=full)
    if account.ladder is not None:
        yield from section("From what free calls available to kubectl top node")
        yield from ladder_lines(account.ladder, width, full=full)
    yield from findings_lines(account.findings, width)
    yield from _eviction(account, width)
    yield from _orphans(account, width)
    yield from undecided_lines(account.undecided, [], width)


def _partition(title: str, partition: Partition | None, width: int, *, full: bool) -> Iterator[Text]:
    if partition is not None:
        yield from section(f"{title}: MemTotal, {size(partition.whole_bytes)}")
        yield from composition_lines(as_composition(partition), width, full=full)
        if partition.undecided and not partition.residual.within_bound:
            yield from undecided_in(partition, width)


def undecided_in(partition: Partition, width: int) -> Iterator[Text]:
    """Yield why a partition is open."""
    reasons = {each.reason: each for each in partition.undecided}
    for reason, first in reasons.items():
        same = sum(1 for each in partition.undecided if each.reason == reason)
        more = f" and {same - 1} more" if same > 1 else ""
        yield from paragraph(
            f"not told apart: {first.missing}{more}: {reason}", width, indent="    ", first="  ? "
        )


def _holders(account: NodeAccount, width: int) -> Iterator[Text]:
    shown, more = shown_holders(account)
    if not shown:
        return
    yield Text()
    name_width = max(width - COLUMN_WIDTH * len(HOLDERS), 20)
    heading = left("  LARGEST", name_width) + "".join(right(SHORT[each], COLUMN_WIDTH) for each in HOLDERS)
    yield Text(heading, style="bold")
    for holder in shown:
        name = "  " + cut_middle(holder_name(holder), name_width - 3)
        cells = "".join(right(short_size(amount), COLUMN_WIDTH) for amount in holder_amounts(holder))
        yield Text(left(name, name_width) + cells)
    if more:
        yield from paragraph(f"and {more} smaller ones, in the JSON", width)


def _eviction(account: NodeAccount, width: int) -> Iterator[Text]:
    sentences = eviction_sentences(account)
    if sentences:
        yield from section("Evictions and kills, as the kubelet and the kernel would choose")
    for sentence in sentences:
        yield from paragraph(sentence, width, indent="    ", first="  - ")


def _orphans(account: NodeAccount, width: int) -> Iterator[Text]:
    alive = [each for each in account.holders if each.kind == "orphan" and each.processes]
    if not alive:
        return
    yield from section("Processes of pods that the API server does not know")
    for holder in alive:
        text = f"{holder.name}: {', '.join(map(process_words, holder.processes[:3]))}"
        yield from paragraph(text, width, indent="    ")
