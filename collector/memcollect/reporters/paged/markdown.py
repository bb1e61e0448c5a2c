"""The page for a pull request: GitHub's Markdown, everything from outside escaped."""

from __future__ import annotations

from collections.abc import Iterator

from memcollect.reporters.escape import markdown
from memcollect.reporters.paged.layout import Bullet, Cell, Page, Section, Table
from memcollect.reporters.paged.texts import long_text


def render(laid_out: Page, issue: str | None = None) -> str:
    """Return a page as Markdown; `issue` is linked where its verdict names it."""
    return "\n".join(_lines(laid_out, issue)) + "\n"


def _lines(laid_out: Page, issue: str | None) -> Iterator[str]:
    yield f"# {laid_out.title}"
    yield ""
    yield f"**{_linked(laid_out.verdict, issue)}**"
    for section in laid_out.sections:
        yield from _section(section)


def _linked(sentence: str, issue: str | None) -> str:
    """Escape all but the issue, so that GitHub makes a link of it; its form was checked where it came in."""
    if issue is None or issue not in sentence:
        return markdown(sentence)
    before, _, after = sentence.partition(issue)
    return f"{markdown(before)} {issue}{markdown(after)}"


def _section(section: Section) -> Iterator[str]:
    yield ""
    if section.folded:
        yield f"<details><summary>{markdown(section.title)}</summary>"
    else:
        yield f"## {markdown(section.title)}"
    for paragraph in section.paragraphs:
        yield ""
        yield markdown(paragraph)
    if section.table is not None:
        yield ""
        yield from _table(section.table)
    if section.bullets:
        yield ""
        for bullet in section.bullets:
            yield from _bullet(bullet)
    if section.folded:
        yield ""
        yield "</details>"


def _bullet(bullet: Bullet) -> Iterator[str]:
    yield f"- {markdown(bullet.text)}"
    yield from (f"  - {markdown(text)}" for text in bullet.below)


def _table(table: Table) -> Iterator[str]:
    yield _row([markdown(column.title) for column in table.columns])
    yield _row(["---:" if column.right else "---" for column in table.columns])
    for row in table.rows:
        yield _row([_cell(cell) for cell in row])


def _cell(cell: Cell) -> str:
    return markdown(cell) if isinstance(cell, str) else long_text(cell)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
