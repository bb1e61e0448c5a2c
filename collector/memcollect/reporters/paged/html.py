"""The page to look at: the same sections as elsewhere, with a picture beside the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from memcollect.documents.snapshot import Tool
from memcollect.reporters.html.document import document
from memcollect.reporters.html.markup import Markup, element, items, joined
from memcollect.reporters.html.tables import Column, scrolling, table
from memcollect.reporters.paged.drawn import Drawing, drawing
from memcollect.reporters.paged.layout import MISSING, Bullet, Cell, Page, Section, Table
from memcollect.reporters.paged.texts import long_text

MISSING_ANCHOR = "missing"


def render(laid_out: Page, tool: Tool, missing: int = 0) -> str:
    """Return a page; `missing` is how many things its section of that name tells of."""
    return document(laid_out.title, _body(laid_out, tool, missing))


def _body(laid_out: Page, tool: Tool, missing: int) -> Iterator[Markup]:
    yield element("header", element("h1", laid_out.title), element("p", laid_out.verdict, class_="verdict"))
    warning = element("a", f"{missing} missing: what, and why", href=f"#{MISSING_ANCHOR}")
    yield element(
        "main",
        element("p", element("strong", warning), class_="bad") if missing else "",
        *map(_section, laid_out.sections),
    )
    yield element("footer", f"{tool.name} {tool.version}")


def _section(section: Section) -> Markup:
    title = element("h2", section.title)
    if section.folded:
        return element("details", element("summary", title), *_parts(section), class_="folded")
    if section.title == MISSING:
        return element("section", title, *_parts(section), class_="missing", id=MISSING_ANCHOR)
    return element("section", title, *_parts(section))


def _parts(section: Section) -> Iterator[Markup]:
    yield from (element("p", paragraph) for paragraph in section.paragraphs)
    if section.table is not None:
        drawn = drawing(section.table)
        yield scrolling(section.title, _table(section.table, drawn))
        if drawn is not None:
            yield element("p", drawn.legend, class_="dim")
    if section.bullets:
        yield items(map(_bullet, section.bullets))


def _bullet(bullet: Bullet) -> Markup:
    return joined([bullet.text, items(bullet.below) if bullet.below else ""])


def _table(table_: Table, drawn: Drawing | None) -> Markup:
    """Return the table; its pictures stand behind the names that its rows begin with."""
    columns = [Column(each.title, number=each.right) for each in table_.columns]
    rows = [[_cell(cell) for cell in row] for row in table_.rows]
    if drawn is not None:
        place = _names(columns)
        columns.insert(place, Column(drawn.title, class_="drawn"))
        for row, shown in zip(rows, drawn.pictures, strict=True):
            row.insert(place, shown)
    return table(columns, rows, class_="compared")


def _names(columns: Sequence[Column]) -> int:
    return next((place for place, each in enumerate(columns) if each.number), len(columns))


def _cell(cell: Cell) -> str:
    return cell if isinstance(cell, str) else long_text(cell)
