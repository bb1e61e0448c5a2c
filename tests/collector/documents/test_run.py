import msgspec

from memcollect.documents.run import RUN_SCHEMA_VERSION, RunManifest

OLDEST = b"""{
  "run_schema_version": 1, "run_id": "r1", "backend": "aio", "started_at": 1.0, "finished_at": 2.0,
  "plan": {"name": "guide", "version": "1", "sha256": "aa", "phases": ["empty"], "repeats": 3, "steps": [10]},
  "workloads": [{"name": "bash", "version": "1", "sha256": "bb"}],
  "phases": [{
    "phase": "empty", "repeat": 2, "step": 10, "cycle": 1, "status": "did-not-settle", "reason": "it grew",
    "settling": {"settled": false, "waited_seconds": 60.0, "within_bytes": 1048576, "for_seconds": 5.0},
    "snapshots": ["snapshots/a.json"],
    "startups": [{"pod_uid": "u", "pod": "p", "created_at": 1.0, "ready_at": 3.0, "pulled": false}],
    "nodes": [{"node": "n", "moment": "step", "meminfo": {"MemAvailable": 1}}]
  }],
  "files": [{"path": "snapshots/a.json", "sha256": "cc", "size_bytes": 1}]
}"""
"""A manifest of the first version, which every later one must read."""


def test_the_first_versions_manifest_is_read_for_ever() -> None:
    manifest = msgspec.json.decode(OLDEST, type=RunManifest)
    (phase,) = manifest.phases
    assert (manifest.run_schema_version, phase.status, phase.step) == (
        RUN_SCHEMA_VERSION,
        "did-not-settle",
        10,
    )
    assert phase.settling is not None
    assert phase.settling.within_bytes == 1 << 20
    assert phase.startups[0].ready_at == 3.0
    assert phase.nodes[0].meminfo == {"MemAvailable": 1}


def test_a_manifest_survives_being_written_and_read() -> None:
    manifest = msgspec.json.decode(OLDEST, type=RunManifest)
    assert msgspec.json.decode(msgspec.json.encode(manifest), type=RunManifest) == manifest
