"""The files behind page cache and tmpfs, a bar for each. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from memcollect.documents.snapshot import Pod
from memcollect.reporters.file_words import (
    TITLE,
    file_rows,
    nothing_text,
    open_sentences,
    others_bytes,
    others_text,
    sum_sentences,
)
from memcollect.reporters.html.markup import Markup, element, name_of
from memcollect.reporters.html.shapes import Scale, bar, picture
from memcollect.reporters.html.tables import SORTABLE, Column, scrolling, table
from memcollect.reporters.sizes import size

COLUMNS = (
    Column("In memory", number=True),
    Column(""),
    Column("File", class_="command"),
    Column("What it is"),
)
HEIGHT = 10


def files_part(pod: Pod) -> Iterator[Markup]:
    """Yield the table of all that the document names, the largest first, and what they are of the charge."""
    if pod.files is None:
        return
    yield element("h3", TITLE)
    rows = file_rows(pod)
    if rows:
        scale = Scale(0, max(1, *(row.bytes for row in rows)))
        cells = [[row.amount, _bar(row.bytes, scale), name_of(row.name), row.remark] for row in rows]
        yield scrolling("Files", table(COLUMNS, cells, class_=SORTABLE))
    if others := others_text(pod, []):
        yield element("p", f"{others}: {size(others_bytes(pod, []))}", class_="dim")
    for sentence in (nothing_text(pod), *sum_sentences(pod), *open_sentences(pod)):
        if sentence:
            yield element("p", sentence)


def _bar(amount: int, scale: Scale) -> Markup:
    return picture(
        size(amount), bar(scale, (0, amount), "cache", height=HEIGHT), height=HEIGHT, class_="stack"
    )
