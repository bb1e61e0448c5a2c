"""Going on with a run that was broken off: what a crash leaves, and what somebody has altered."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from memcollect.documents.bundle import read_bundle
from memcollect.documents.events import read_events
from memcollect.documents.run import EVENTS_NAME, MANIFEST_NAME, PLAN_NAME, PhaseRun, RunManifest
from memcollect.errors import DocumentError, UsageError
from memcollect.profile.begin import Text, begin
from memcollect.profile.begun import SOURCE_NAME, alone
from memcollect.profile.going_on import resume, to_clean
from memcollect.profile.sandboxes.template import TEMPLATE_NAME
from memcollect.profile.tools import Tools
from memcollect.testing import PODS, Cluster, objects
from worlds import children

SOURCE = b'[source]\nkind = "template"\nnamespace = "team"\nclone = "one"\n'
PLAN = b'name = "small"\nversion = "7"\n[[phases]]\nname = "a"\ndo = "exec"\ncommand = ["true"]\n'
HOLD = """
import pathlib, sys
from memcollect.profile.begun import alone
with alone(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def broken(directory: Path, tools: Tools, state: Cluster) -> RunManifest:
    """A run that has measured one phase and written one more event when it broke off."""
    state.put(PODS, objects.pod("team", "one", node="node-1", containers=("as-begun",)))
    text = Text(plan=PLAN, name="p", folder=Path(), source=SOURCE)
    record = begin(text, directory, "aio", tools).record
    record.event("creating", name=f"mc-{record.manifest.run_id}-ab12-1")
    record.add(PhaseRun(phase="a", status="ok"))
    record.event("deleted", name=f"mc-{record.manifest.run_id}-ab12-1")
    return record.manifest


def rewritten(directory: Path, manifest: RunManifest) -> None:
    (directory / MANIFEST_NAME).write_bytes(msgspec.json.encode(manifest))


def test_a_run_goes_on_with_its_id_its_results_and_its_events(
    broken: RunManifest, directory: Path, tools: Tools
) -> None:
    begun = resume(directory, tools)
    assert begun.record.manifest == broken
    assert [each.kind for each in begun.events] == ["run-started", "creating", "deleted"]
    assert begun.source.place("mc-1").namespace == "team"
    begun.record.add(PhaseRun(phase="a", repeat=2, status="ok"))
    bundle = read_bundle(str(directory))
    assert (bundle.problems, len(bundle.manifest.phases)) == ([], 2)
    assert {PLAN_NAME, SOURCE_NAME, TEMPLATE_NAME} <= {each.path for each in bundle.manifest.files}


def test_the_pod_that_was_cloned_may_be_gone_meanwhile(
    broken: RunManifest, directory: Path, tools: Tools, state: Cluster
) -> None:
    state.remove(PODS, "one", "team")
    kept = resume(directory, tools).source.prepare(tools)
    assert b"as-begun" in kept[TEMPLATE_NAME]
    assert broken.finished_at is None


@pytest.mark.usefixtures("broken")
def test_a_torn_last_event_is_left_out_and_all_before_it_counts(directory: Path, tools: Tools) -> None:
    with (directory / EVENTS_NAME).open("ab") as stream:
        stream.write(b'{"at":1.5,"kind":"creat')
    assert [each.kind for each in resume(directory, tools).events] == ["run-started", "creating", "deleted"]


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("line", [b"", b"\xff\xfe", b"[]", b'{"at":"now","kind":"x"}', b"[" * 9999, b"null"])
def test_a_line_that_is_no_event_hides_no_other(directory: Path, line: bytes) -> None:
    with (directory / EVENTS_NAME).open("ab") as stream:
        stream.write(line + b'\n{"at":2,"kind":"deleted","name":"mc-9","added_by_a_later_release":1}\n')
    assert read_events(directory)[-1].name == "mc-9"


def test_a_bundle_without_events_has_none(tmp_path: Path) -> None:
    assert read_events(tmp_path) == []


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("name", [PLAN_NAME, SOURCE_NAME, TEMPLATE_NAME, "workloads/a.json"])
def test_a_run_whose_files_were_altered_does_not_go_on(directory: Path, tools: Tools, name: str) -> None:
    with (directory / name).open("ab") as stream:
        stream.write(b"\n")
    with pytest.raises(DocumentError, match=f"cannot go on: {name} was altered.*--clean {directory}"):
        resume(directory, tools)


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("name", [TEMPLATE_NAME, "workloads/a.json"])
def test_what_was_made_is_known_whatever_became_of_the_rest(
    directory: Path, tools: Tools, state: Cluster, name: str
) -> None:
    state.remove(PODS, "one", "team")
    (directory / name).unlink()
    begun = to_clean(directory, tools)
    assert begun.altered == [f"{name} is missing"]
    assert begun.source.place("mc-1").namespace == "team"
    assert [each.kind for each in begun.events] == ["run-started", "creating", "deleted"]
    begun.record.save()
    # What was altered stays known to be.
    assert read_bundle(str(directory)).problems == [f"{name} is missing"]


@pytest.mark.parametrize("name", [PLAN_NAME, SOURCE_NAME, EVENTS_NAME])
def test_where_it_is_not_known_what_was_made_the_user_hears_how_to_find_it(
    broken: RunManifest, directory: Path, tools: Tools, name: str
) -> None:
    (directory / name).write_bytes(b"[source]\n")
    with pytest.raises(DocumentError, match=f"{name} was altered.*memcollect/run={broken.run_id}"):
        to_clean(directory, tools)


@pytest.mark.usefixtures("broken")
def test_events_that_are_missing_may_have_told_of_sandboxes(directory: Path, tools: Tools) -> None:
    (directory / EVENTS_NAME).unlink()
    with pytest.raises(DocumentError, match=r"cannot go on: events\.jsonl is missing"):
        resume(directory, tools)


@pytest.mark.usefixtures("broken")
def test_events_of_another_place_are_not_those_of_the_run(directory: Path, tools: Tools) -> None:
    (directory / EVENTS_NAME).rename(directory.parent / "other")
    (directory / EVENTS_NAME).symlink_to(directory.parent / "other")
    with pytest.raises(DocumentError, match="points out of the bundle"):
        resume(directory, tools)


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("lines", [slice(0, 1), slice(1, None), slice(0, 0)])
def test_events_that_were_taken_away_are_not_what_a_crash_leaves(
    directory: Path, tools: Tools, lines: slice
) -> None:
    path = directory / EVENTS_NAME
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[lines]))
    with pytest.raises(DocumentError, match=r"cannot go on: events\.jsonl was altered"):
        resume(directory, tools)


def test_events_that_are_not_among_the_files_are_not_used(
    broken: RunManifest, directory: Path, tools: Tools
) -> None:
    files = [each for each in broken.files if each.path != EVENTS_NAME]
    rewritten(directory, msgspec.structs.replace(broken, files=files))
    with pytest.raises(DocumentError, match=r"has no events\.jsonl"):
        resume(directory, tools)


@pytest.mark.parametrize("run_id", ["", "0123456789ab", "x,app=sandbox", "ABCDEF0123"])
def test_an_id_that_is_none_of_ours_would_delete_what_others_made(
    broken: RunManifest, directory: Path, tools: Tools, run_id: str
) -> None:
    rewritten(directory, msgspec.structs.replace(broken, run_id=run_id))
    with pytest.raises(DocumentError, match="no run id of ours"):
        resume(directory, tools)


def test_a_plan_that_is_not_among_the_files_is_not_used(
    broken: RunManifest, directory: Path, tools: Tools
) -> None:
    files = [each for each in broken.files if each.path != PLAN_NAME]
    rewritten(directory, msgspec.structs.replace(broken, files=files))
    with pytest.raises(DocumentError, match=r"has no plan\.toml"):
        resume(directory, tools)


def test_what_is_no_bundle_is_told_so(tmp_path: Path, tools: Tools) -> None:
    for place in (tmp_path, tmp_path / "gone"):
        with pytest.raises(DocumentError, match="is no bundle"):
            resume(place, tools)


def test_a_bundle_that_another_process_holds_is_free_again_when_it_has_died(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with children.Child(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.line() == "held"
        with pytest.raises(UsageError, match="Wait until it has ended"), alone(tmp_path):
            pass
        other.kill()
        other.wait()
    with alone(tmp_path):
        pass
