"""What the private memory of a container's processes is mapped for, a bar for each part. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from memcollect.documents.snapshot import Container, Pod
from memcollect.explain.mapped import EVIDENCE, Held, beside, held, label, program_of, whole_of
from memcollect.reporters.html.colours import class_of
from memcollect.reporters.html.markup import Markup, element, name_of
from memcollect.reporters.html.shapes import Scale, bar, picture
from memcollect.reporters.html.tables import SORTABLE, Column, scrolling, table
from memcollect.reporters.mapping_words import left_over, unread
from memcollect.reporters.sizes import interval, share, size

COLUMNS = (
    Column("What", class_="named"),
    Column("Private", number=True),
    Column("Share", number=True),
    Column("", class_="bar"),
    Column("PID", number=True),
    Column("Program"),
    Column("How it is known", class_="command"),
)
HEIGHT = 12


def mappings_part(pod: Pod) -> Iterator[Markup]:
    """Yield the table of each container whose mappings were read, the largest part first."""
    for container in pod.containers:
        if container.private:
            whole = whole_of(container.private)
            yield element("h3", "Private memory of ", name_of(container.name), f" by mapping, {size(whole)}")
            yield scrolling("Mappings", table(COLUMNS, _rows(container, whole), class_=SORTABLE))
            yield from (element("p", sentence, class_="dim") for sentence in unread(container))


def _rows(container: Container, whole: int) -> Iterator[list[str]]:
    parts = held(container)
    longest = max((each.part.estimate_bytes for each in parts), default=0)
    for each in parts:
        yield _row(each, whole, Scale(0, longest))
    left = left_over(container.private)
    if left:
        yield ["Moved while it was read, or unread", size(left), share(left, whole), "", "", "", ""]


def _row(each: Held, whole: int, scale: Scale) -> list[str]:
    part = each.part
    sign = "~" if part.confidence == "inferred" else ""
    what = f"{sign}{label(part)}"
    more = [beside(part)] if beside(part) else []
    bounds = [] if part.low_bytes == part.high_bytes else [interval(part.low_bytes, part.high_bytes)]
    return [
        name_of(what),
        size(part.estimate_bytes),
        share(part.estimate_bytes, whole),
        picture(what, bar(scale, (0, part.estimate_bytes), class_of("anon"), height=HEIGHT), height=HEIGHT),
        str(each.process.pid),
        name_of(program_of(each.process)),
        "; ".join([*bounds, *more, EVIDENCE.get(part.kind, "")]),
    ]
