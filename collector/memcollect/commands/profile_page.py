"""The page of a run: what `memcollect compare DIR --format markdown` makes of its bundle."""

from __future__ import annotations

from pathlib import Path

from memcollect.bundle import read_bundle
from memcollect.compare import Document, Question, compare
from memcollect.explain import explain
from memcollect.reporters.compare import markdown
from memcollect_agent import __version__


def page_of(directory: Path) -> str:
    """Return the Markdown page of a bundle, "" where nothing in it was measured. Raises DocumentError."""
    bundle = read_bundle(str(directory))
    if not bundle.snapshots:
        return ""
    document = Document(
        name=directory.name,
        label=None,
        sha256=bundle.sha256,
        manifest=bundle.manifest,
        snapshots={path: explain(each) for path, each in bundle.snapshots.items()},
        problems=bundle.problems,
    )
    return markdown.render(compare([document], Question(version=__version__)))
