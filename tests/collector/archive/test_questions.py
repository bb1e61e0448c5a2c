"""The questions of docs/archive.md, asked as they stand there of exported snapshots."""

from datetime import datetime
from pathlib import Path

import pytest

from memcollect.reporters import json
from worlds import archive_builders as made
from worlds import archive_page
from worlds.archive_builders import MIB
from worlds.archives import Asked, export

NIGHTS = (
    made.night(0, made.pod("a", made.container("python", 100)), made.pod("b", made.container("node", 50))),
    made.night(1, made.pod("a", made.container("python", 120)), made.pod("b", made.container("node", 50))),
    made.night(
        7,
        made.pod("a", made.container("python", 210), top=made.topped(260, 200)),
        made.pod("b", made.container("node", 40, limit=42), top=made.topped(201, 200)),
        made.pod("c", **made.cached(100, data=80, logs=10)),
        made.pod("d", made.beside("sandbox", 64), made.beside("pause", 1), runtime=made.runtime("kata")),
        made.pod("e", ladder=made.open_ladder(30, 1), runtime=made.runtime("gvisor")),
        made.pod("f", ladder=made.open_ladder(1, 1), runtime=made.runtime("gvisor")),
    ),
)
ANSWERS: dict[str, list[tuple[object, ...]]] = {
    "Which image's private memory grew, week by week?": [("python", "2026-11-09 00", 210.0, 1, 100.0)],
    "Whose `kubectl top` was wrong by more than 10 %?": [
        ("2026-11-09 02", "team", "a", "differs", 260 * MIB, 200 * MIB, 30.0)
    ],
    "Which pods' page cache came from one volume?": [
        ("2026-11-09 02", "team", "c", "data", "csi", 80 * MIB, 100 * MIB)
    ],
    "Who was close to a limit, with memory that the kernel could not have taken back?": [
        ("2026-11-09 02", "team", "b", "app", "node", 40 * MIB, 42 * MIB, 40 * MIB, 100 * 40 / 42)
    ],
    "Where did numbers not add up?": [("gvisor", "pss", "current", 1, 30.0 * MIB, 30 * MIB)],
    "What does a sandbox cost beside its containers, by runtime?": [
        ("kata", 1, 65.0 * MIB, 65 * MIB, 65.0 * MIB)
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


@pytest.mark.parametrize("question", ANSWERS)
def test_each_is_answered(filled: Asked, question: str) -> None:
    statement = archive_page.questions()[question]
    shown = [tuple(_plain(value) for value in row) for row in filled.rows(statement)]
    assert shown == [tuple(map(_plain, row)) for row in ANSWERS[question]]


def _plain(value: object) -> object:
    """Return the hour of a time, and a fraction without what engines round in their own ways."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H}"
    return round(value, 6) if isinstance(value, float) else value


def test_the_views_read_a_folder_of_any_name(filled: Asked, tmp_path: Path) -> None:
    moved = tmp_path / "else where"
    moved.symlink_to(filled.directory)
    assert Asked(moved).count("pods") == filled.count("pods") == 10
