"""From a format's name to its text: the only place that knows which reporter is which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memcollect.commands.output import report_width, wants_color
from memcollect.reporters import html, json, markdown, profile_v1, table

if TYPE_CHECKING:
    from memcollect.documents.snapshot import Snapshot
    from memcollect.reporters.words import Details, Whole

IN_UTF8 = frozenset({"html"})
"""Formats whose text names its own encoding."""
OLDER_VIEWS = ("profile-v1", "profile-v1-markdown")
"""Of the profile script, which said nothing and exited with 0 where it had found no pod."""


def report(  # noqa: PLR0913 - half of them have a default
    snapshot: Snapshot,
    format_: str,
    *,
    to_file: bool,
    details: Details = "auto",
    full: bool = False,
    whole: Whole = frozenset(),
) -> str:
    """Return `snapshot` in the format; a file gets 80 columns and no colour."""
    if format_ == "json":
        return json.render(snapshot)
    if format_ == "markdown":
        return markdown.render(snapshot, details=details)
    if format_ == "html":
        return html.render(snapshot, details=details)
    if format_ == "profile-v1":
        return profile_v1.render(snapshot)
    if format_ == "profile-v1-markdown":
        return profile_v1.render_markdown(snapshot)
    width = 80 if to_file else report_width()
    return table.render(
        snapshot,
        width=width,
        color=not to_file and wants_color(),
        details=details,
        full=full,
        whole=whole,
    )
