"""A new run and its bundle; going on with one is in test_resume."""

import hashlib
from pathlib import Path

import pytest

from memcollect.documents.bundle import read_bundle
from memcollect.documents.events import read_events
from memcollect.documents.run import PLAN_NAME
from memcollect.errors import DocumentError, MissingError, OutputError, UsageError
from memcollect.profile.begin import Text, begin, read_text
from memcollect.profile.begun import SOURCE_NAME, alone
from memcollect.profile.plan.parse import PlanError
from memcollect.profile.sandboxes.source import RUN_ID
from memcollect.profile.sandboxes.template import TEMPLATE_NAME
from memcollect.profile.tools import Tools
from memcollect.testing import Cluster

POD = "kind: Pod\nspec:\n  containers:\n  - name: sandbox\n"
SOURCE = b'[source]\nkind = "template"\nnamespace = "team"\nfile = "pod.yaml"\n'
PHASES = b"""
[[phases]]
name = "empty"
do = "nothing"
[[phases]]
name = "many"
do = "scale"
steps = [10, 5]
"""
PLAN = b'name = "small"\nversion = "7"\nrepeats = 4\n' + SOURCE + PHASES


@pytest.fixture
def text(tmp_path: Path) -> Text:
    (tmp_path / "pod.yaml").write_text(POD)
    return Text(plan=PLAN, name="small.toml", folder=tmp_path)


def test_the_manifest_says_what_was_asked_for(text: Text, directory: Path, tools: Tools) -> None:
    begun = begin(text, directory, "aio", tools)
    manifest = begun.record.manifest
    assert RUN_ID.fullmatch(manifest.run_id)
    assert (manifest.backend, manifest.finished_at, begun.events) == ("aio", None, [])
    plan = manifest.plan
    assert (plan.name, plan.version, plan.repeats) == ("small", "7", 4)
    assert (plan.phases, plan.steps) == (["empty", "many"], [5, 10])
    assert plan.sha256 == hashlib.sha256(PLAN).hexdigest()
    assert [(each.name, each.version) for each in manifest.workloads] == [("many", "7")]


def test_the_bundle_holds_all_that_a_run_goes_on_with(text: Text, directory: Path, tools: Tools) -> None:
    begun = begin(text, directory, "", tools)
    begun.record.add_nodes([])
    bundle = read_bundle(str(directory))
    assert bundle.problems == []
    assert (directory / PLAN_NAME).read_bytes() == PLAN
    listed = [each.path for each in bundle.manifest.files]
    assert listed == ["events.jsonl", PLAN_NAME, TEMPLATE_NAME, "workloads/many.json"]
    workload = (directory / "workloads" / "many.json").read_bytes()
    assert bundle.manifest.workloads[0].sha256 == hashlib.sha256(workload).hexdigest()
    assert [(each.kind, each.name) for each in read_events(directory)] == [
        ("run-started", bundle.manifest.run_id),
        # Where the manifest is from, seen from here: its values are needed again, and no bundle has them.
        ("template-folder", ".."),
    ]


def test_another_source_is_kept_beside_the_plan_which_stays_byte_for_byte(
    tmp_path: Path, directory: Path, tools: Tools
) -> None:
    plan = PLAN.replace(b"pod.yaml", b"nowhere.yaml")
    for name, content in {"plan.toml": plan, "other/aio.toml": b'backend = "aio"\n' + SOURCE}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    # A path in the source starts from the source's folder and not from the plan's.
    (tmp_path / "other" / "pod.yaml").write_text(POD)
    text = read_text(str(tmp_path / "plan.toml"), str(tmp_path / "other" / "aio.toml"))
    manifest = begin(text, directory, "", tools).record.manifest
    assert (directory / PLAN_NAME).read_bytes() == plan
    assert (directory / SOURCE_NAME).read_bytes().endswith(SOURCE)
    assert (manifest.backend, manifest.plan.sha256) == ("aio", hashlib.sha256(plan).hexdigest())


@pytest.mark.parametrize("of_plan", ["b", ""])
@pytest.mark.parametrize("given", ["a", ""])
def test_the_backend_is_what_was_given_then_the_plans_then_its_name(
    text: Text, directory: Path, tools: Tools, given: str, of_plan: str
) -> None:
    plan = f'backend = "{of_plan}"\n'.encode() + PLAN
    begun = begin(Text(plan=plan, name="x", folder=text.folder), directory, given, tools)
    assert begun.record.manifest.backend == (given or of_plan or "small")


@pytest.mark.parametrize(
    ("plan", "error"),
    [
        (PLAN.replace(b"steps", b"stpes"), PlanError),
        (PLAN.replace(b"pod.yaml", b"gone.yaml"), DocumentError),
        (PLAN.replace(b'file = "pod.yaml"', b'clone = "gone"'), MissingError),
    ],
)
def test_what_cannot_begin_leaves_no_bundle(
    text: Text, directory: Path, tools: Tools, plan: bytes, error: type[Exception]
) -> None:
    bad = Text(plan=plan, name="x", folder=text.folder)
    with pytest.raises(error):
        begin(bad, directory, "", tools)
    assert not directory.exists()


def test_a_place_that_is_taken_is_left_as_it_is(text: Text, directory: Path, tools: Tools) -> None:
    directory.mkdir()
    with pytest.raises(UsageError, match="exists"):
        begin(text, directory, "", tools)
    assert list(directory.iterdir()) == []
    (directory / "file").touch()
    with pytest.raises(OutputError, match="cannot be made"):
        begin(text, directory / "file" / "run", "", tools)


def test_beginning_makes_nothing_in_the_cluster(
    text: Text, directory: Path, tools: Tools, state: Cluster
) -> None:
    begin(text, directory, "", tools)
    assert [each for each in state.requests if each.method != "GET"] == []


def test_two_runs_of_one_plan_have_ids_of_their_own(text: Text, directory: Path, tools: Tools) -> None:
    runs = [begin(text, directory / name, "", tools).record.manifest.run_id for name in ("a", "b")]
    assert runs[0] != runs[1]


def test_one_bundle_is_one_process(directory: Path) -> None:
    directory.mkdir()
    with alone(directory):
        # Nor does one that is refused free it for the next.
        for _ in range(2):
            with pytest.raises(UsageError, match="Another memcollect is at work"), alone(directory):
                pass
    with alone(directory):
        pass
