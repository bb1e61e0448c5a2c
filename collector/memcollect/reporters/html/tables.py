"""Tables whose headings say what they head. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from memcollect.reporters.html.markup import Markup, element

SORTABLE = "sortable"
"""The class by which our script finds the tables that are sorted by a press on a heading."""


class Column:
    """A column; numbers stand to the right, and `class_` is for the style alone."""

    def __init__(self, title: str, *, number: bool = False, class_: str = "") -> None:
        """Take what stands in its heading."""
        self.title, self.number = title, number
        self.classes = " ".join(each for each in (class_, "n" if number else "") if each) or None
        """The class of its cells."""


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]], *, class_: str | None = None) -> Markup:
    """Return a table; the first cell of a row is its heading."""
    head = [_heading(each) for each in columns]
    body = [row_of(columns, row) for row in rows]
    return element("table", element("thead", element("tr", *head)), element("tbody", *body), class_=class_)


def _heading(column: Column) -> Markup:
    # What stands over pictures heads nothing that could be read.
    if not column.title:
        return element("td", class_=column.classes)
    return element("th", column.title, scope="col", class_=column.classes)


def row_of(columns: Sequence[Column], cells: Sequence[str], *, class_: str | None = None) -> Markup:
    """Return a row."""
    first, *rest = zip(columns, cells, strict=True)
    heading = element("th", first[1], scope="row", class_=first[0].classes)
    others = [element("td", cell, class_=column.classes) for column, cell in rest]
    return element("tr", heading, *others, class_=class_)


def scrolling(label: str, content: Markup) -> Markup:
    """Return what may be wider than a telephone, to be moved sideways by itself, with the keyboard too."""
    return element("div", content, class_="scroll", role="group", tabindex="0", aria_label=label)
