"""The largest files behind page cache and tmpfs, where they were asked for."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from memcollect.documents.snapshot import Pod
from memcollect.reporters.escape import visible
from memcollect.reporters.file_words import (
    MOST_SHOWN,
    TITLE,
    file_rows,
    nothing_text,
    open_sentences,
    others_bytes,
    others_text,
    sum_sentences,
)
from memcollect.reporters.sizes import size
from memcollect.reporters.terminal.findings import dim, section
from memcollect.reporters.terminal.lines import cut, cut_middle, paragraph, right

SIZE_WIDTH = 12
MOST_REMARK = 30


def file_lines(pod: Pod, width: int, *, full: bool = False) -> Iterator[Text]:
    """Yield the ten largest (`full`: all), what the others are, and what all are of the charge."""
    if pod.files is None:
        return
    yield from section(TITLE)
    rows = file_rows(pod)
    shown = rows if full else rows[:MOST_SHOWN]
    for row in shown:
        room = width - SIZE_WIDTH - 2
        remark = visible(row.remark)
        name = cut_middle(visible(row.name), room - min(len(remark), MOST_REMARK) - 3)
        yield Text(f"{right(row.amount, SIZE_WIDTH)}  {cut(f'{name} ({remark})', room)}")
    hidden = rows[len(shown) :]
    if others := others_text(pod, hidden):
        yield dim(Text(f"{right(size(others_bytes(pod, hidden)), SIZE_WIDTH)}  {others}"))
    for sentence in (nothing_text(pod), *sum_sentences(pod)):
        yield from paragraph(visible(sentence), width) if sentence else ()
    for sentence in open_sentences(pod):
        yield from paragraph(visible(sentence), width, indent="    ", first="  ? ")
