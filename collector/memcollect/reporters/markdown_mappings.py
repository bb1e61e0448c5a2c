"""Private memory by mapping, as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from memcollect.documents.snapshot import Container
from memcollect.explain.mapped import beside, held, label, program_of, whole_of
from memcollect.reporters.escape import markdown, markdown_code
from memcollect.reporters.mapping_words import left_over, unread
from memcollect.reporters.markdown_parts import subsection, table_head, table_row
from memcollect.reporters.sizes import share, size

HEADINGS = ("Private", "Share", "PID", "Program", "What")
MOST_PARTS = 20


def mapping_rows(container: Container) -> Iterator[str]:
    """Yield the largest parts, and the others as one."""
    if not container.private:
        return
    whole = whole_of(container.private)
    parts = held(container)
    yield from subsection(f"Private memory of {markdown_code(container.name)} by mapping, {size(whole)}")
    yield from table_head(HEADINGS, numbers=3, first=0)
    for each in parts[:MOST_PARTS]:
        part = each.part
        sign = "~" if part.confidence == "inferred" else ""
        more = beside(part)
        what = f"{sign}{label(part)}{f' ({more})' if more else ''}"
        numbers = [size(part.estimate_bytes), share(part.estimate_bytes, whole), str(each.process.pid)]
        yield table_row([*numbers, markdown_code(program_of(each.process)), markdown(what)])
    left = left_over(container.private)
    rest = whole - left - sum(each.part.estimate_bytes for each in parts[:MOST_PARTS])
    if rest:
        yield table_row([size(rest), share(rest, whole), "", "", f"{len(parts) - MOST_PARTS} others"])
    if left:
        yield table_row([size(left), share(left, whole), "", "", "moved while it was read, or unread"])
    yield ""
    yield from (f"- {markdown(sentence)}" for sentence in unread(container))
