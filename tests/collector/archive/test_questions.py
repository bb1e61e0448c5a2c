"""The questions of docs/archive.md, asked as they stand there of exported snapshots."""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest

from lab.runtime_explained import explained, finding
from lab.runtime_truth import Played
from memcollect.archive.columns import TABLES
from memcollect.documents.snapshot import Container, Pod, Snapshot
from memcollect.explain.reduced import reduced
from memcollect.reporters import json
from memcollect_agent.measure.sample import Roots, sample_node
from memcollect_agent.wire import SampleRequest
from worlds import archive_builders as made
from worlds import archive_page
from worlds.agent_trees import FIXTURES
from worlds.archive_builders import MIB
from worlds.archives import Asked, export

KATA, GVISOR = made.runtime("kata"), made.runtime("gvisor")
TIGHT = made.tight("tight", 95, 96, made.container("python", 95, limit=96))
BIG = made.pod("big", made.container("python", 900), made.beside("pause", 90))
NIGHTS = (
    made.night(0, made.pod("a", made.container("python", 100)), made.pod("b", made.container("node", 50))),
    made.night(1, made.pod("a", made.container("python", 120)), made.pod("b", made.container("node", 50))),
    made.night(
        7,
        made.pod("a", made.container("python", 210), top=made.topped(260, 200)),
        made.pod("b", made.container("node", 40, limit=42), top=made.topped(201, 200)),
        # As b, but that swap would take it.
        made.pod("swaps", made.container("node", 40, limit=42, swap_room="usable")),
        # Its own limit, of which neither container knows.
        made.tight("own-limit", 80, 82, made.container("ruby", 40), made.container("perl", 40)),
        # Told by its container, and not twice.
        made.tight("told", 60, 64, made.container("lua", 60, limit=64)),
        made.pod("c", **made.cached(100, data=80, logs=10)),
        # The same name again: of a StatefulSet, the one before is still ending.
        made.pod("c", uid="uid-before", **made.cached(100, data=40)),
        made.pod("nobody-knows-who-pays", **made.cached(100, payers_known=False, shared=300, logs=10)),
        made.pod(
            "d",
            made.beside("sandbox", 64),
            made.beside("pause", 1),
            runtime=KATA,
            findings=[made.own_cost("sandbox", 9)],
        ),
        # Its Sentry is in the pod's own cgroup.
        made.pod("own", made.beside("pause", 1), runtime=GVISOR, findings=[made.own_cost("pod", 6)]),
        made.pod("pause-not-read", Container(name="pause", role="pause")),
        made.pod("guest-not-found", made.beside("sandbox", 64), runtime=KATA),
        made.pod("in-a-guest", made.container("python", 0), top=made.topped(50, 1), runtime=GVISOR),
        made.pod("e", ladder=made.open_ladder(30, 1), runtime=GVISOR),
        made.pod("f", ladder=made.open_ladder(1, 1), runtime=GVISOR),
        made.pod("g", ladder=made.open_ladder(70, 1, missing="kernel"), runtime=GVISOR),
    ),
    # Another cluster, at the same moment, with a pod of the same name.
    made.night(
        7,
        made.pod("a", made.container("python", 500), uid="uid-a-2", top=made.topped(100, 100)),
        made.pod("c", uid="uid-c-2", **made.cached(100, data=45)),
        cluster="staging",
    ),
    # Of those told in summary only the largest are told in full.
    msgspec.structs.replace(
        made.night(8, BIG, reduced(made.pod("small", made.container("python", 1))), reduced(TIGHT)),
        depth="summary",
    ),
)


def close(
    hour: str, pod: str, of: tuple[str | None, str | None], stays: int, limit: int
) -> tuple[object, ...]:
    """Return the row of a container and its image, of the pod itself with Nones; sizes in MiB."""
    return (hour, "prod", "team", pod, *of, None, stays * MIB, limit * MIB, stays * MIB, 100 * stays / limit)


ANSWERS: dict[str, list[tuple[object, ...]]] = {
    "Which image's private memory grew, week by week?": [
        ("prod", "python", "2026-11-09", 210.0, 3, "2026-11-02", 100.0)
    ],
    "Whose `kubectl top` was wrong by more than 10 %?": [
        ("2026-11-09 02", "prod", "team", "a", "differs", 260 * MIB, 200 * MIB, 30.0)
    ],
    "Which pods' page cache came from one volume?": [
        ("2026-11-09 02", "prod", "team", "c", "data", "csi", 80 * MIB, 80 * MIB, 100 * MIB),
        ("2026-11-09 02", "prod", "team", "nobody-knows-who-pays", "shared", "csi", 0, 300 * MIB, 100 * MIB),
    ],
    "Who was close to a limit, with memory that the kernel could not have taken back?": [
        close("2026-11-10 02", "tight", (None, None), 95, 96),
        close("2026-11-09 02", "own-limit", (None, None), 80, 82),
        close("2026-11-09 02", "b", ("app", "node"), 40, 42),
        close("2026-11-09 02", "told", ("app", "lua"), 60, 64),
    ],
    "Where did numbers not add up?": [
        ("gvisor", "pss", "current", False, 1, 1, 30.0 * MIB, 30 * MIB),
        ("gvisor", "pss", "current", True, 1, 1, 70.0 * MIB, 70 * MIB),
    ],
    "What does a sandbox cost beside its containers, by runtime?": [
        ("prod", "kata", 1, 10.0 * MIB, 10 * MIB, 10.0 * MIB),
        ("prod", "gvisor", 1, 7.0 * MIB, 7 * MIB, 7.0 * MIB),
    ],
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    folder = tmp_path_factory.mktemp("nights")
    for number, snapshot in enumerate(NIGHTS):
        (folder / f"{number}.json").write_text(json.render(snapshot))
    archive = Asked(folder / "archive")
    assert export(archive, *sorted(folder.glob("*.json"))) == 0
    return archive


def test_the_page_has_these_questions() -> None:
    assert list(archive_page.questions()) == list(ANSWERS)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
@pytest.mark.parametrize("question", ANSWERS)
def test_each_is_answered_wherever_one_asks(filled: Asked, question: str, zone: str) -> None:
    statement = archive_page.questions()[question]
    rows = Asked(filled.directory, zone).rows(statement)
    shown = [tuple(_plain(value) for value in row) for row in rows]
    assert shown == [tuple(map(_plain, row)) for row in ANSWERS[question]]


def _plain(value: object) -> object:
    """Return the hour of a time in UTC, and a fraction without what engines round in their own ways."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H}"
    if isinstance(value, date):
        return value.isoformat()
    return round(value, 6) if isinstance(value, float) else value


def test_the_views_read_a_folder_of_any_name(filled: Asked, tmp_path: Path) -> None:
    moved = tmp_path / "else where"
    moved.symlink_to(filled.directory)
    assert Asked(moved).count("pods") == filled.count("pods") == sum(len(each.pods) for each in NIGHTS)


def test_a_snapshot_without_its_row_has_no_rows_in_any_view(filled: Asked, tmp_path: Path) -> None:
    """As while it is exported, or copied."""
    copy = Asked(shutil.copytree(filled.directory, tmp_path / "archive"))
    for path in (copy.directory / "snapshots").rglob("*.parquet"):
        if "cluster=prod" in str(path):
            path.unlink()
    assert copy.rows("SELECT DISTINCT pod FROM pods ORDER BY 1") == [("a",), ("c",)]
    for table in TABLES:
        assert copy.rows(f"SELECT count(*) FROM {table} WHERE cluster = 'prod'") == [(0,)]  # noqa: S608 -- ours


SCENES = {
    "gvisor-systemd": "gvisor",
    "gvisor-cgroupfs": "gvisor",
    "kata-memfd": "kata",
    "kata-overhead-anon": "kata",
}


@pytest.mark.parametrize("scene", SCENES)
def test_what_a_measured_sandbox_costs_is_without_its_guest(tmp_path: Path, scene: str) -> None:
    (pod,) = _measured(scene)
    path = tmp_path / "1.json"
    at = "2026-11-02T02:00:00Z"
    path.write_text(json.render(Snapshot(captured_at=at, finished_at=at, mode="cluster", pods=[pod])))
    archive = Asked(tmp_path / "archive")
    assert export(archive, path) == 0
    ((_, runtime, measured, _, most, _),) = archive.rows(archive_page.questions()[list(ANSWERS)[-1]])
    own = finding(pod, "runtime_own").estimate_bytes
    assert (runtime, measured) == (SCENES[scene], 1)
    # The pause container's few pages may come to it.
    assert isinstance(most, int)
    assert own is not None
    assert own <= most <= own + MIB


def _measured(scene: str) -> list[Pod]:
    tree = FIXTURES / f"lab-runtime-{scene}"
    played = msgspec.json.decode((tree / "scene.json").read_bytes(), type=Played)
    roots = Roots(proc=str(tree / "proc"), cgroup=str(tree / "sys/fs/cgroup"), sys=str(tree / "sys"))
    sample = sample_node(SampleRequest(process_limit=20), roots)
    return explained(msgspec.structs.replace(played, sample=sample), SCENES[scene])
