"""What a phase does, as text that can be hashed: two runs did the same where the hashes are equal. Pure."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from memcollect.documents.run import Workload
from memcollect.evidence.catalogue import rows_named
from memcollect.evidence.checks import canonical as catalogued
from memcollect.profile.plan.model import Evidence, Nothing, Phase, Plan

_NOT_THE_WORK = ("name", "settle", "version")
"""How it is called and how it is measured does not change what is run."""


def canonical(phase: Phase) -> bytes:
    """Return every byte that decides what the phase does: JSON, its keys in the order of the alphabet.

    Defaults are written out, so that another default in a later release is another workload. Of evidence
    it is the catalogue: what is done in a sandbox and expected of it, by whatever driver.
    """
    if isinstance(phase, Evidence):
        return catalogued(rows_named(phase.rows))
    work: dict[str, Any] = msgspec.to_builtins(phase, enc_hook=_plain_number)
    kept = {key: value for key, value in work.items() if key not in _NOT_THE_WORK}
    return msgspec.json.encode(kept, order="sorted")


def workload_of(phase: Phase, plan: Plan) -> Workload | None:
    """Return the workload of a phase; None where it does nothing."""
    if isinstance(phase, Nothing):
        return None
    digest = hashlib.sha256(canonical(phase)).hexdigest()
    return Workload(name=phase.name, version=phase.version or plan.version, sha256=digest)


def _plain_number(value: Any) -> Any:
    return float(value) if isinstance(value, float) else int(value)
