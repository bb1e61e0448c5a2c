import hashlib
from pathlib import Path

import msgspec
import pytest

from memcollect.documents.bundle import BundleWriter, read_bundle
from memcollect.documents.events import read_events
from memcollect.documents.run import EVENTS_NAME, MANIFEST_NAME, REPORT_NAME, NodeEvidence, PhaseRun
from memcollect.errors import OutputError
from memcollect.profile.plan.blocks import Block
from memcollect.profile.plan.model import Nothing, Scale
from memcollect.profile.plan.rules import NAME
from memcollect.profile.record import Record, snapshot_path

A, B = Nothing(name="a"), Nothing(name="b")
MANY = Scale(name="many", steps=[10, 50])
BEFORE, AFTER = NodeEvidence(node="n", moment="before"), NodeEvidence(node="n", moment="after")


def ended(phase: str, repeat: int = 1, step: int | None = None, cycle: int | None = None) -> PhaseRun:
    return PhaseRun(phase=phase, repeat=repeat, step=step, cycle=cycle, status="ok", nodes=[BEFORE])


def on_disk(directory: Path) -> list[tuple[str, int]]:
    return [(each.phase, each.repeat) for each in read_bundle(str(directory)).manifest.phases]


def test_an_event_is_on_the_disk_before_the_next_thing_happens(record: Record, directory: Path) -> None:
    for number in range(3):
        record.event("creating", name=f"mc-{number}")
        assert [each.name for each in read_events(directory)] == [f"mc-{n}" for n in range(number + 1)]


def test_what_a_cluster_says_stays_within_its_event(record: Record, directory: Path) -> None:
    said = 'no\n{"at":1,"kind":"deleted","name":"mc-1"}\r\x1b[2J\u2028'
    record.event("not-ready", name="mc-1", detail=said)
    (event,) = read_events(directory)
    assert (event.kind, event.detail) == ("not-ready", said)


def test_a_disk_that_takes_no_event_stops_the_run(record: Record, directory: Path) -> None:
    (directory / EVENTS_NAME).mkdir()
    with pytest.raises(OutputError):
        record.event("creating", name="mc-1")


def test_a_phase_is_on_the_disk_as_soon_as_it_has_ended(record: Record, directory: Path) -> None:
    record.event("phase-ended", phase="a", repeat=1)
    record.add(ended("a"))
    assert on_disk(directory) == [("a", 1)]
    record.add(ended("b"))
    assert on_disk(directory) == [("a", 1), ("b", 1)]
    assert read_bundle(str(directory)).problems == []
    assert read_bundle(str(directory)).manifest == record.manifest


def test_a_file_is_in_the_bundle_with_its_checksum(record: Record, directory: Path) -> None:
    assert record.file("snapshots/x.json", b"{}") == "snapshots/x.json"
    record.add_nodes([])
    assert (directory / "snapshots" / "x.json").read_bytes() == b"{}"
    (entry,) = record.manifest.files
    assert entry.sha256 == hashlib.sha256(b"{}").hexdigest()


def test_a_record_that_goes_on_keeps_what_was_measured(record: Record, directory: Path) -> None:
    record.file("plan.toml", b"x")
    record.add(ended("a"))
    earlier = read_bundle(str(directory)).manifest
    Record(BundleWriter(directory, earlier.files), earlier).add(ended("b"))
    bundle = read_bundle(str(directory))
    assert (on_disk(directory), bundle.problems) == ([("a", 1), ("b", 1)], [])
    assert [each.path for each in bundle.manifest.files] == ["plan.toml"]


def test_the_look_after_a_deletion_belongs_to_the_last_phase_of_the_block(record: Record) -> None:
    for run in (ended("a"), ended("b"), ended("a", 2)):
        record.add(run)
    record.close_block(Block(1, (A, B)), [AFTER])
    assert [(each.phase, each.nodes) for each in record.manifest.phases] == [
        ("a", [BEFORE]),
        ("b", [BEFORE, AFTER]),
        ("a", [BEFORE]),
    ]


def test_a_block_of_which_no_phase_came_to_its_end_takes_no_look(record: Record) -> None:
    record.add(ended("many", step=10))
    record.close_block(Block(1, (MANY,), 50), [AFTER])
    assert record.manifest.phases[0].nodes == [BEFORE]


def test_a_block_that_is_begun_again_forgets_its_own_phases_alone(record: Record, directory: Path) -> None:
    for run in (ended("a"), ended("many", step=10), ended("many", step=50), ended("many", 2, 50)):
        record.add(run)
    record.reopen_block(Block(1, (MANY,), 50))
    assert [(each.phase, each.repeat, each.step) for each in read_bundle(str(directory)).manifest.phases] == [
        ("a", 1, None),
        ("many", 1, 10),
        ("many", 2, 50),
    ]
    assert [(each.kind, each.repeat) for each in read_events(directory)] == [("block-begun-again", 1)]
    record.reopen_block(Block(1, (MANY,), 50))
    assert len(read_events(directory)) == 1


def test_images_of_all_pods_are_joined_and_in_order(record: Record) -> None:
    record.add_images({"sandbox": ["sha256:b"], "main": ["sha256:c"]})
    record.add_images({"sandbox": ["sha256:a"]})
    assert record.manifest.images == {"main": ["sha256:c"], "sandbox": ["sha256:a", "sha256:b"]}
    assert list(record.manifest.images) == ["main", "sandbox"]


def test_saving_is_for_events_that_came_after_the_manifest(record: Record, directory: Path) -> None:
    record.event("a")
    assert record.save()
    assert read_bundle(str(directory)).problems == []
    assert not record.save()


def test_the_page_is_no_file_of_the_manifest(record: Record, directory: Path) -> None:
    record.add_nodes([])
    before = (directory / MANIFEST_NAME).read_bytes()
    record.page("# Page")
    record.add_nodes([])
    assert (directory / MANIFEST_NAME).read_bytes() == before
    assert (directory / REPORT_NAME).read_text() == "# Page"


def test_only_a_finished_run_is_whole(record: Record) -> None:
    for _ in range(2):
        record.add_nodes([BEFORE])
    assert len(record.manifest.nodes) == 2
    assert record.manifest.finished_at is None
    record.finish()
    assert record.manifest.finished_at is not None


@pytest.mark.parametrize(
    ("run", "name"),
    [
        (ended("a"), "r001-a"),
        (ended("a", 12, step=50), "r012-a.x50"),
        (ended("a", cycle=3), "r001-a.c003"),
        (msgspec.structs.replace(ended("a"), status="failed"), "r001-a"),
    ],
)
def test_a_snapshot_has_the_same_name_when_it_is_taken_again(run: PhaseRun, name: str) -> None:
    assert snapshot_path(run) == f"snapshots/{name}.json"


def test_no_two_measurements_share_a_file_whatever_the_phases_are_called() -> None:
    names = ["b", "b-x1", "b-x1-c001", "b-c001", "0-b", "b-json"]
    runs = [
        ended(name, repeat, step, cycle)
        for name in names
        for repeat in (1, 10, 100, 1000)
        for step in (None, 1, 11)
        for cycle in (None, 1, 11, 1000)
    ]
    assert len({snapshot_path(run) for run in runs}) == len(runs)
    assert not any("." in name or not NAME.fullmatch(name) for name in names)


def test_a_phase_that_is_called_like_another_ones_step_keeps_both_files(
    record: Record, directory: Path
) -> None:
    for number, run in enumerate((ended("b", step=1), ended("b-x1"))):
        record.file(snapshot_path(run), f"{number}".encode())
    assert sorted(each.read_text() for each in (directory / "snapshots").iterdir()) == ["0", "1"]
