"""The page of a run: what `memcollect compare DIR --format markdown` makes of its bundle, byte for byte.

Of a run that has measured nothing and only tried its backend it is what `memcollect evidence --show` makes.
"""

from __future__ import annotations

from pathlib import Path

from memcollect.commands.bundled import evidence_of
from memcollect.commands.compare import read_documents
from memcollect.compare import Question, compare
from memcollect.documents.bundle import read_bundle
from memcollect.documents.snapshot import Tool
from memcollect.evidence.matrix import matrix
from memcollect.reporters.compare import formats
from memcollect.reporters.evidence.formats import rendered
from memcollect_agent import __version__


def page_of(directory: Path) -> str:
    """Return the Markdown page of a bundle. Raises DocumentError, also where it holds nothing to show."""
    bundle = read_bundle(str(directory))
    tried = evidence_of(directory, bundle.manifest)
    if tried and not bundle.snapshots:
        return rendered(matrix(tried), "markdown", Tool(version=__version__))
    return formats.rendered(
        compare(read_documents([str(directory)], {}), Question(version=__version__)), "markdown"
    )
