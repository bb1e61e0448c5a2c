"""From a plan to the source it names."""

from __future__ import annotations

from pathlib import Path

from memcollect.documents import read_bytes
from memcollect.profile.plan import Plan, Provisioned, Selected, Template
from memcollect.profile.provisioned import ProvisionedSource
from memcollect.profile.sandboxes import Source
from memcollect.profile.selected import SelectedSource
from memcollect.profile.template import TemplateSource


def source_of(plan: Plan, run_id: str, folder: Path, template: bytes | None = None) -> Source:
    """Return the plan's source; `template` is the manifest that an earlier part of the run has used.

    A template's file is looked for from `folder`. Raises DocumentError.
    """
    source = plan.source
    if isinstance(source, Selected):
        return SelectedSource(source)
    if isinstance(source, Provisioned):
        return ProvisionedSource(source, run_id)
    return TemplateSource(source, run_id, template or _file(source, folder))


def _file(source: Template, folder: Path) -> bytes | None:
    return read_bytes(str(folder / source.file)) if source.file else None
