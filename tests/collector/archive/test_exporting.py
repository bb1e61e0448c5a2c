"""What is in an archive is what its snapshots say, whatever they say."""

import hashlib
from pathlib import Path

import msgspec
import pytest

from memcollect.archive.columns import TABLES
from memcollect.documents.snapshot import Ladder, Pod, Snapshot
from memcollect.reporters import json
from memcollect_agent.wire import FileUse, PodFiles
from worlds import reported_cases
from worlds import sample_snapshots as samples
from worlds.archives import Asked, export

SUMS = """
SELECT whole.working_set_bytes, whole.residual_bytes + coalesce(sum(terms.estimate_bytes), 0)
FROM {whole} AS whole LEFT JOIN terms ON whole.snapshot = terms.snapshot AND whole.pod_uid = terms.pod_uid
    AND terms.container IS NOT DISTINCT FROM {container} AND terms.container_id IS NOT DISTINCT FROM {id}
    AND part = 'composition'
WHERE whole.working_set_bytes IS NOT NULL
GROUP BY whole.pod_uid, whole.snapshot, {container}, {id}, whole.working_set_bytes, whole.residual_bytes
"""
GAPS = """
SELECT gap_bytes, to_bytes - from_bytes, residual_bytes + coalesce(sum(estimate_bytes), 0)
FROM steps LEFT JOIN terms ON steps.snapshot = terms.snapshot AND steps.pod_uid = terms.pod_uid
    AND steps.container IS NOT DISTINCT FROM terms.container
    AND steps.container_id IS NOT DISTINCT FROM terms.container_id
    AND steps.from_rung = terms.from_rung AND steps.to_rung = terms.to_rung
GROUP BY steps.pod_uid, steps.container, steps.container_id, steps.from_rung, steps.to_rung,
    gap_bytes, to_bytes, from_bytes, residual_bytes
"""


def archived(archive: Asked, snapshot: Snapshot) -> bytes:
    archive.directory.parent.mkdir(exist_ok=True)
    path = archive.directory.parent / "saved.json"
    path.write_text(json.render(snapshot), encoding="utf-8")
    assert export(archive, path) == 0
    return path.read_bytes()


@pytest.fixture
def archive(tmp_path: Path) -> Asked:
    return Asked(tmp_path / "archive")


@pytest.mark.parametrize("case", ["28-swap-zswap", "34-thanos-shared-files"])
def test_terms_and_residual_sum_to_the_working_set_and_to_each_gap(archive: Asked, case: str) -> None:
    snapshot = reported_cases.told(case).snapshot
    archived(archive, snapshot)
    wholes = archive.rows(SUMS.format(whole="pods", container="NULL", id="NULL"))
    parts = archive.rows(
        SUMS.format(whole="containers", container="whole.container", id="whole.container_id")
    )
    gaps = archive.rows(GAPS)
    assert len(wholes) == sum(pod.composition is not None for pod in snapshot.pods) > 0
    assert len(parts) == sum(each.composition is not None for pod in snapshot.pods for each in pod.containers)
    assert len(gaps) == sum(len(ladder.steps) for pod in snapshot.pods for ladder in _ladders(pod)) > 0
    assert all(working_set == summed for working_set, summed in wholes + parts)
    assert all(gap == apart == summed for gap, apart, summed in gaps)


def _ladders(pod: Pod) -> list[Ladder]:
    return [each for each in (pod.ladder, *(each.ladder for each in pod.containers)) if each is not None]


def test_names_that_a_stranger_chose_come_back_as_they_are(archive: Asked) -> None:
    archived(archive, samples.snapshot(samples.hostile_pod(), cluster=samples.HOSTILE))
    assert archive.rows("SELECT pod, namespace, verdict, cluster FROM pods") == [(samples.HOSTILE,) * 4]
    assert set(archive.rows("SELECT comm, command FROM processes")) == {(samples.HOSTILE,) * 2}


def test_what_is_not_known_is_null_and_never_nought(archive: Asked) -> None:
    archived(archive, samples.snapshot(Pod(uid="u", name="n", unmeasured="no agent runs there")))
    numbers = "working_set_bytes, residual_bytes, charge_bytes, limit_bytes, anon_bytes, top_bytes, top_at"
    assert archive.rows(f"SELECT {numbers} FROM pods") == [(None,) * 7]  # noqa: S608 -- our own columns
    assert archive.rows("SELECT unmeasured, namespace FROM pods") == [("no agent runs there", None)]


@pytest.mark.parametrize("cluster", ["7", "007", "2026-01-02", "true", "a=b/..", "%41", "\n", "é" * 30])
def test_a_clusters_name_is_text_whatever_it_looks_like(archive: Asked, cluster: str) -> None:
    archived(archive, samples.snapshot(samples.pod("one"), cluster=cluster))
    ((found,),) = archive.rows("SELECT cluster FROM pods JOIN snapshots USING (snapshot, date, cluster)")
    assert found == cluster


@pytest.mark.parametrize("inode", [0, (1 << 63) - 1, 1 << 63, 17059405034532985563, (1 << 64) - 1])
def test_a_file_systems_inode_of_64_bits_is_kept(archive: Asked, inode: int) -> None:
    """Network file systems give such numbers: a whole snapshot was refused for one of them."""
    use = FileUse(path="/efs/x", place="volume", device=5, inode=inode)
    archived(archive, samples.snapshot(samples.pod("one", files=PodFiles(files=[use]))))
    assert archive.rows("SELECT (inode::HUGEINT + (1::HUGEINT << 64)) % (1::HUGEINT << 64) FROM files") == [
        (inode,)
    ]


def test_a_snapshots_row_has_the_evidences_hash(archive: Asked) -> None:
    snapshot = samples.snapshot(samples.pod("one"), samples.pod("two"), missing=[samples.missing_pod()])
    data = archived(archive, snapshot)
    statement = "SELECT snapshot, file, size_bytes, pods, pods_measured, missing, sample, mode FROM snapshots"
    digest = hashlib.sha256(data).hexdigest()
    assert archive.rows(statement) == [(digest, "saved.json", len(data), 2, 2, 1, "after-python", "local")]
    for table in TABLES:
        assert set(archive.rows(f"SELECT DISTINCT snapshot FROM {table}")) <= {(digest,)}  # noqa: S608 -- ours


def test_it_stands_under_its_day_in_utc_and_its_cluster(archive: Asked) -> None:
    late = samples.snapshot(captured_at="2026-01-02T23:30:00-05:00", cluster="arn:aws:eks:x:1:cluster/prod")
    archived(archive, msgspec.structs.replace(late, mode="cluster"))
    assert [(f"{day}", cluster) for day, cluster in archive.rows("SELECT date, cluster FROM snapshots")] == [
        ("2026-01-03", "arn:aws:eks:x:1:cluster/prod")
    ]
