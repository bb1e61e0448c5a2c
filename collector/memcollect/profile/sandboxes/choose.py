"""From a plan to the source it names."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from memcollect.documents.snapshot import Missing
from memcollect.profile.plan.model import Packaged, Plan, Provisioned, Selected
from memcollect.profile.sandboxes.packaged import PackagedSource
from memcollect.profile.sandboxes.provisioned import ProvisionedSource
from memcollect.profile.sandboxes.selected import SelectedSource
from memcollect.profile.sandboxes.source import Source
from memcollect.profile.sandboxes.template import TemplateSource
from memcollect.profile.starting import started
from memcollect.sources.deadline import Stopped


def source_of(
    plan: Plan,
    run_id: str,
    folder: Path,
    template: bytes | None = None,
    stopped: Stopped = lambda: False,
) -> Source:
    """Return the plan's source, of which nothing is read yet; a template's file is looked for from `folder`.

    `template` is what the bundle of an earlier part of the run holds of its manifest. A package's program
    that does not begin is waited for until `stopped`.
    """
    source = plan.source
    if isinstance(source, Selected):
        return SelectedSource(source)
    if isinstance(source, Provisioned):
        return ProvisionedSource(source, run_id)
    if isinstance(source, Packaged):
        name = f"mc-{run_id}"
        start = partial(started, plan, source.package, name, os.environ, stopped=stopped)
        return PackagedSource(source, name, start)
    return TemplateSource(source, run_id, template, folder / source.file if source.file else None)


def closed(source: Source) -> list[Missing]:
    """Let go of what the source holds; return what it could not delete of the run."""
    return source.close() if isinstance(source, PackagedSource) else []
