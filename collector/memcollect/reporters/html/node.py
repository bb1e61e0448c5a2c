"""One node's account: the verdict, the pictures of who holds it and what it is used for, the ladder. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from memcollect.documents.snapshot import Holder, NodeAccount, Partition
from memcollect.reporters.html.bars import reach
from memcollect.reporters.html.composition import composition_part
from memcollect.reporters.html.findings import findings_part, undecided_part
from memcollect.reporters.html.ladder import NODE_COLUMNS, ladder_part
from memcollect.reporters.html.markup import Markup, element, items, joined, name_of
from memcollect.reporters.html.tables import Column, scrolling, table
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

COLUMNS = (
    Column("Holder", class_="named"),
    Column("Kind"),
    *(Column(title, number=True) for title in HOLDERS),
)


def account_section(account: NodeAccount, anchor: str) -> Markup:
    """Return everything the document says of where one node's memory is."""
    return element("section", *_parts(account), class_="pod", id=anchor)


def _parts(account: NodeAccount) -> Iterator[Markup]:
    yield element("h2", "Node ", name_of(account.node))
    yield element("p", account.verdict, class_="verdict")
    if account.top is not None:
        yield element("p", top_sentence(account))
    yield from _partition("Who holds it", account.owners)
    yield from _holders(account)
    yield from _partition("What it is used for", account.kinds)
    if account.ladder is not None:
        yield element("h3", "From what free calls available to kubectl top node")
        yield ladder_part(account.ladder, columns=NODE_COLUMNS)
    yield from findings_part(account.findings)
    sentences = eviction_sentences(account)
    if sentences:
        yield element("h3", "Evictions and kills, as the kubelet and the kernel would choose")
        yield items(sentences)
    yield from _orphans(account)
    yield from undecided_part(account.undecided, [])


def _partition(title: str, partition: Partition | None) -> Iterator[Markup]:
    if partition is not None:
        composition = as_composition(partition)
        yield element("h3", f"{title}: MemTotal, {size(partition.whole_bytes)}")
        yield composition_part(composition, reach([composition]), whole_name="MemTotal")


def _holders(account: NodeAccount) -> Iterator[Markup]:
    shown, more = shown_holders(account)
    if shown:
        yield element("h3", "The largest")
        yield scrolling("The largest", table(COLUMNS, map(_holder, shown), class_="overview"))
    if more:
        yield element("p", f"and {more} smaller ones, in the JSON")


def _holder(holder: Holder) -> list[str]:
    kind = KINDS.get(holder.kind, holder.kind)
    of_pod = joined([kind, " of ", name_of(holder.pod)]) if holder.pod else kind
    return [name_of(holder.name), of_pod, *map(size, holder_amounts(holder))]


def _orphans(account: NodeAccount) -> Iterator[Markup]:
    alive = [each for each in account.holders if each.kind == "orphan" and each.processes]
    if alive:
        yield element("h3", "Processes of pods that the API server does not know")
        yield items(
            joined([name_of(each.name), ": ", ", ".join(map(process_words, each.processes[:3]))])
            for each in alive
        )
