"""The matrix in the formats that people and programs read. Pure."""

from __future__ import annotations

import msgspec

from memcollect.documents.snapshot import Tool
from memcollect.evidence.matrix import Matrix
from memcollect.reporters.evidence.sections import page
from memcollect.reporters.paged import html, markdown, table


def rendered(matrix: Matrix, format_: str, tool: Tool, width: int = table.MIN_WIDTH) -> str:
    """Return the page as "table", "markdown", "html" or "json"."""
    if format_ == "json":
        return msgspec.json.format(msgspec.json.encode(matrix), indent=2).decode() + "\n"
    laid_out = page(matrix)
    if format_ == "html":
        return html.render(laid_out, tool)
    if format_ == "markdown":
        return markdown.render(laid_out)
    return table.render(laid_out, width=width)
