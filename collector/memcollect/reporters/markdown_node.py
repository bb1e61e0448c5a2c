"""One node's account as Markdown, everything from outside escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memcollect.reporters.escape import markdown, markdown_code
from memcollect.reporters.markdown_parts import (
    composition_rows,
    findings_items,
    ladder_rows,
    section,
    subsection,
    table_head,
    table_row,
    undecided_items,
)
from memcollect.reporters.node_words import (
    HOLDERS,
    KINDS,
    as_composition,
    eviction_sentences,
    holder_amounts,
    process_words,
    shown_holders,
    top_sentence,
)
from memcollect.reporters.sizes import size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memcollect.documents.snapshot import Holder, NodeAccount


def account_lines(account: NodeAccount) -> Iterator[str]:
    """Yield everything the document says of where one node's memory is."""
    yield from section(f"Node {markdown_code(account.node)}")
    yield f"**{markdown(account.verdict)}**"
    if account.top is not None:
        yield from ("", markdown(top_sentence(account)))
    if account.owners is not None:
        yield from subsection("Who holds it")
        yield from composition_rows(as_composition(account.owners), "MemTotal")
    yield from _holders(account)
    if account.kinds is not None:
        yield from subsection("What it is used for")
        yield from composition_rows(as_composition(account.kinds), "MemTotal")
    if account.ladder is not None:
        yield from subsection("From what free calls available to kubectl top node")
        yield from ladder_rows(account.ladder, "From MemAvailable to kubectl top node")
    yield from findings_items(account.findings)
    sentences = eviction_sentences(account)
    if sentences:
        yield from subsection("Evictions and kills, as the kubelet and the kernel would choose")
    yield from (f"- {markdown(sentence)}" for sentence in sentences)
    yield from _orphans(account)
    yield from undecided_items(account.undecided)


def _holders(account: NodeAccount) -> Iterator[str]:
    shown, more = shown_holders(account)
    if not shown:
        return
    yield from subsection("The largest")
    yield from table_head(("Holder", "Kind", *HOLDERS), numbers=len(HOLDERS), first=2)
    for holder in shown:
        yield table_row([markdown_code(holder.name), _kind(holder), *map(size, holder_amounts(holder))])
    if more:
        yield from ("", f"and {more} smaller ones, in the JSON")


def _kind(holder: Holder) -> str:
    kind = KINDS.get(holder.kind, markdown(holder.kind))
    return f"{kind} of {markdown_code(holder.pod)}" if holder.pod else kind


def _orphans(account: NodeAccount) -> Iterator[str]:
    alive = [each for each in account.holders if each.kind == "orphan" and each.processes]
    if not alive:
        return
    yield from subsection("Processes of pods that the API server does not know")
    for holder in alive:
        processes = ", ".join(map(process_words, holder.processes[:3]))
        yield f"- {markdown_code(holder.name)}: {markdown(processes)}"
