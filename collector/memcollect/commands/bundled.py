"""What of a bundle is evidence."""

from __future__ import annotations

from pathlib import Path

from memcollect.documents.bundle import checked, read_bundle
from memcollect.errors import DocumentError
from memcollect.evidence.document import EVIDENCE_FOLDER, Evidence, decode


def evidence_of(bundle: Path) -> list[Evidence]:
    """Return the evidence of a run, none where it has tried nothing.

    Raises DocumentError where it is not as the run left it.
    """
    manifest = read_bundle(str(bundle)).manifest
    directory = bundle if bundle.is_dir() else bundle.parent
    documents = []
    for entry in {each.path: each for each in manifest.files}.values():
        if not entry.path.startswith(f"{EVIDENCE_FOLDER}/"):
            continue
        content, problem = checked(directory, entry)
        if content is None:
            raise DocumentError(f"The evidence of {bundle} cannot be read: {problem}.")
        documents.append(decode(content, entry.path))
    return documents
