"""What of a bundle is evidence."""

from __future__ import annotations

from pathlib import Path

from memcollect.documents.bundle import checked
from memcollect.documents.run import RunManifest
from memcollect.errors import DocumentError
from memcollect.evidence.document import EVIDENCE_FOLDER, Evidence, decode
from memcollect.evidence.rejudging import believed


def evidence_of(bundle: Path, manifest: RunManifest) -> list[Evidence]:
    """Return the evidence of a run that `manifest` tells of, none where it has tried nothing.

    Raises DocumentError where it is not as the run left it.
    """
    directory = bundle if bundle.is_dir() else bundle.parent
    documents = []
    for entry in {each.path: each for each in manifest.files}.values():
        if not entry.path.startswith(f"{EVIDENCE_FOLDER}/"):
            continue
        content, problem = checked(directory, entry)
        if content is None:
            raise DocumentError(f"The evidence of {bundle} cannot be read: {problem}.")
        documents.append(believed(decode(content, entry.path)))
    return documents
