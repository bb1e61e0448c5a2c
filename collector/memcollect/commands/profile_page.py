"""The page of a run: what `memcollect compare DIR --format markdown` makes of its bundle, byte for byte."""

from __future__ import annotations

from pathlib import Path

from memcollect.commands.compare import read_documents
from memcollect.compare import Question, compare
from memcollect.reporters.compare import markdown
from memcollect_agent import __version__


def page_of(directory: Path) -> str:
    """Return the Markdown page of a bundle. Raises DocumentError, also where nothing in it was measured."""
    return markdown.render(compare(read_documents([str(directory)], {}), Question(version=__version__)))
