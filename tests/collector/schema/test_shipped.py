"""What the package ships: documents of old and of today are as it says, and what is not is found."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from memcollect.commands.run import run
from memcollect.errors import UsageError
from memcollect.schema.kinds import KINDS
from memcollect.schema.shipped import shipped
from worlds import compare_builders as runs
from worlds import local_tree
from worlds.reported_cases import told_of_nodes
from worlds.schemas import faults

TESTS = Path(__file__).parents[2]
SAMPLES = sorted((TESTS / "document_samples").glob("*.json"))
"""One of each kind and version, as it was written then: never made anew."""


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_document_that_was_once_written_is_as_the_schema_says(path: Path) -> None:
    assert faults(path.stem.rpartition("-")[0], json.loads(path.read_bytes())) == []


def test_an_agents_answer_of_version_1_is_as_the_schema_says() -> None:
    assert faults("sample", json.loads((TESTS / "wire_samples" / "v1.json").read_bytes())) == []


def test_there_is_a_sample_of_every_kind_in_its_version() -> None:
    wanted = {f"{name}-{kind.version}" for name, kind in KINDS.items() if name != "sample"}
    assert wanted - {path.stem for path in SAMPLES} == set()


@pytest.mark.parametrize(
    ("alter", "where"),
    [
        (lambda document: document.update(schema_version="two"), "$.schema_version"),
        (lambda document: document.pop("captured_at"), "$"),
        (lambda document: document["pods"][0].update(verdict=None), "$.pods[0].verdict"),
        (lambda document: document["pods"][0].pop("uid"), "$.pods[0]"),
        (lambda document: document["nodes"][0].update(cpus=0), "$.nodes[0].cpus"),
    ],
)
def test_what_is_not_as_the_schema_says_is_found(
    alter: Callable[[dict[str, Any]], object], where: str
) -> None:
    document = json.loads((TESTS / "document_samples" / "snapshot-2.json").read_bytes())
    alter(document)
    found = faults("snapshot", document)
    assert [fault.partition(":")[0] for fault in found] == [where], found


def test_fields_of_tomorrow_are_no_fault() -> None:
    document = json.loads((TESTS / "document_samples" / "snapshot-2.json").read_bytes())
    document["of_tomorrow"] = document["pods"][0]["of_tomorrow"] = {"a": 1}
    assert faults("snapshot", document) == []


def test_an_unknown_kind_is_answered_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"No document is called pod\. There are: snapshot, node"):
        shipped("pod")


@pytest.mark.parametrize("options", [[], ["--include-processes"], ["--files"]])
def test_what_snapshot_and_explain_write_is_as_the_schema_says(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = local_tree.make_machine(tmp_path / "machine")
    saved = tmp_path / "saved.json"
    assert run([*machine, *options, "--format", "json", "-o", str(saved)], "memcollect") in {0, 3}
    assert faults("snapshot", json.loads(saved.read_bytes())) == []
    capsys.readouterr()
    assert run(["explain", str(saved), "--format", "json"], "memcollect") == 0
    assert faults("snapshot", json.loads(capsys.readouterr().out)) == []


def test_what_node_writes_is_as_the_schema_says() -> None:
    document = json.loads(msgspec.json.encode(told_of_nodes("32-orphan-pods").snapshot))
    assert faults("node", document) == []
    assert document["accounts"]
    assert faults("node", {**document, "pods": [{}]}) != []


def test_what_compare_writes_is_as_the_schema_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = [str(runs.write(tmp_path / each.name.rpartition("/")[2], each)) for each in runs.rich_pair()]
    for path in pair:
        assert faults("run", json.loads((Path(path) / "manifest.json").read_bytes())) == []
    capsys.readouterr()
    assert run(["compare", *pair, "--format", "json"], "memcollect") == 3
    assert faults("compare", json.loads(capsys.readouterr().out)) == []


def test_what_evidence_writes_is_as_the_schema_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tried = runs.rich_pair()[0]
    assert tried.manifest is not None
    bundle = runs.write(tmp_path / "run", tried)
    (written,) = (bundle / "evidence").iterdir()
    assert faults("evidence", json.loads(written.read_bytes())) == []
    capsys.readouterr()
    run(["evidence", "--show", str(bundle), "--format", "json"], "memcollect")
    assert faults("matrix", json.loads(capsys.readouterr().out)) == []


def test_what_doctor_writes_is_as_the_schema_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for root in (str(tmp_path), "/sys/fs/cgroup"):
        run(["doctor", "--local", "--cgroup-root", root, "--format", "json"], "memcollect")
        assert faults("doctor", json.loads(capsys.readouterr().out)) == []
