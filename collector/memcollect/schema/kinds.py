"""Which documents memcollect writes, and the struct that each is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from memcollect.compare.model import COMPARISON_SCHEMA_VERSION, Comparison
from memcollect.doctor.result import SCHEMA_VERSION as DOCTOR_VERSION
from memcollect.doctor.result import Report
from memcollect.documents.run import RUN_SCHEMA_VERSION, Event, RunManifest
from memcollect.documents.snapshot import SCHEMA_VERSION, Snapshot
from memcollect.evidence.document import EVIDENCE_SCHEMA_VERSION, Evidence
from memcollect.evidence.matrix import Matrix
from memcollect_agent.wire import SCHEMA_VERSION as WIRE_VERSION
from memcollect_agent.wire import NodeSample


@dataclass(frozen=True)
class Kind:
    """One kind of document."""

    struct: type[Struct]
    version: int
    """Of its schema: what the document's own field of that name says, where it has one."""
    written_by: str
    """One line: what writes it."""
    narrowed: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Keywords of JSON Schema for some properties: what this kind holds beyond its struct."""


KINDS: Mapping[str, Kind] = {
    "snapshot": Kind(Snapshot, SCHEMA_VERSION, "memcollect snapshot --format json, and explain's"),
    "node": Kind(
        Snapshot,
        SCHEMA_VERSION,
        "memcollect node --format json: a snapshot with accounts and no pods",
        {"pods": {"maxItems": 0}},
    ),
    "run": Kind(RunManifest, RUN_SCHEMA_VERSION, "memcollect profile: manifest.json of its directory"),
    "event": Kind(Event, RUN_SCHEMA_VERSION, "memcollect profile: each line of events.jsonl"),
    "compare": Kind(Comparison, COMPARISON_SCHEMA_VERSION, "memcollect compare --format json"),
    "doctor": Kind(Report, DOCTOR_VERSION, "memcollect doctor --format json"),
    "evidence": Kind(
        Evidence, EVIDENCE_SCHEMA_VERSION, "memcollect evidence: evidence/NAME.json of its directory"
    ),
    "matrix": Kind(Matrix, EVIDENCE_SCHEMA_VERSION, "memcollect evidence --format json: the page"),
    "sample": Kind(NodeSample, WIRE_VERSION, "memcollect-agent: what it answers, as JSON"),
}
"""By the word that `memcollect schema` knows it by."""
