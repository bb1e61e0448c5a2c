import re
from typing import Any

import msgspec
from rich.cells import cell_len

from memcollect.compare import Document, Question, compare
from memcollect.documents.run import RunManifest
from memcollect.reporters.compare.formats import rendered
from worlds import compare_builders as build
from worlds import sample_snapshots as samples

KEPT = {"status", "moment", "snapshots"}
"""Words of the format itself: a manifest with others of these is refused where it is read."""


def _hostile(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: each if key in KEPT else _hostile(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_hostile(each, name) for each in value]
    return samples.HOSTILE if isinstance(value, str) else value


def _document() -> Document:
    document = build.rich_pair()[0]
    manifest = msgspec.convert(_hostile(msgspec.to_builtins(document.manifest)), RunManifest)
    return msgspec.structs.replace(
        document, manifest=manifest, name=samples.HOSTILE, problems=[samples.HOSTILE]
    )


def test_no_text_of_a_manifest_reaches_the_terminal_or_becomes_markup() -> None:
    comparison = compare([_document(), build.rich_pair()[1]], Question(issue="#1"))
    shown, page = rendered(comparison, "table"), rendered(comparison, "markdown")
    assert "\x1b" not in shown + page
    assert "\u202e" not in shown + page
    assert max(cell_len(line) for line in shown.splitlines()) <= 80
    assert not re.search(r"(?<!\\)(<script|@all|\[x)", page)
