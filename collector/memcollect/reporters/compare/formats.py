"""The comparison in the formats that people and programs read. Pure."""

from __future__ import annotations

import msgspec

from memcollect.compare.model import Comparison
from memcollect.reporters.compare.page import page
from memcollect.reporters.paged import html, markdown, table


def rendered(comparison: Comparison, format_: str, width: int = table.MIN_WIDTH) -> str:
    """Return the page as "table", "markdown", "html" or "json"."""
    if format_ == "json":
        return msgspec.json.format(msgspec.json.encode(comparison), indent=2).decode() + "\n"
    laid_out = page(comparison)
    if format_ == "html":
        return html.render(laid_out, comparison.tool, len(comparison.missing))
    if format_ == "markdown":
        return markdown.render(laid_out, comparison.issue)
    return table.render(laid_out, width=width)
