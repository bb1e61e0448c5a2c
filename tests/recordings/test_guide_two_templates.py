"""The guide on two templates, on a real Kubernetes 1.36.2 (2026-11-30): what may be claimed, what not.

One node of Linux 7.2.7 with one CPU, kubelet with the systemd driver, containerd 1.7.24, metrics-server, the
deployed agent. Both templates run the same programs; box-b holds 32 MiB where box-a holds 8. The phases
with 1, 3 and 5 sandboxes at once, three repeats, and all checks of evidence, through a gateway.
"""

import hashlib
import json
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from memcollect.compare.model import Comparison, PairKind
from memcollect.evidence.catalogue import MEASURED, NAMES
from worlds import children

RUNS = Path(__file__).parent / "guide-two-templates"
BACKENDS = ("box-a", "box-b")
NOT_ALL_TRIED = 3
"""One check is not tried: beyond its memory a command ended by a signal before the kernel killed."""
SINGLE = ("empty", "after-bash", "after-python", "after-node", "after-artifact")
ROUNDS = tuple(f"warm-reuse (round {number})" for number in range(1, 6))
CROWDS = tuple(f"concurrent ({number} at once)" for number in (1, 3, 5))
GUARDED = ("Uploads", "Artifacts", "Paths", "Isolation")


@pytest.fixture(scope="module")
def as_recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two bundles as `profile` left them."""
    return unpacked(tmp_path_factory.mktemp("as-recorded"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with what today's memcollect tells besides: the node's architecture, and what was tried."""
    directory = unpacked(tmp_path_factory.mktemp("guide-two-templates"))
    for name in BACKENDS:
        tell_more(directory / name)
    return directory


def unpacked(directory: Path) -> Path:
    for name in BACKENDS:
        with tarfile.open(RUNS / f"{name}.tar.xz") as archive:
            archive.extractall(directory, filter="data")
    return directory


def tell_more(bundle: Path) -> None:
    """Write what was not told then into every document, and the new checksums into the manifest."""
    image = {"container": "sandbox", "image": "memcollect-lab/sandbox:1", "image_id": image_id(bundle)}
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    for entry in manifest["files"]:
        if entry["path"].startswith(("snapshots/", "evidence/")):
            document = json.loads((bundle / entry["path"]).read_bytes())
            for node in document.get("nodes", []):
                node["architecture"] = "x86_64"
            if entry["path"].startswith("evidence/"):
                document["images"] = [image]
            data = json.dumps(document).encode()
            (bundle / entry["path"]).write_bytes(data)
            entry.update(sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))
    (bundle / "manifest.json").write_bytes(json.dumps(manifest).encode())


def image_id(bundle: Path) -> str:
    """Return the id of the one image that the run's pods had."""
    snapshots = [json.loads(path.read_bytes()) for path in (bundle / "snapshots").iterdir()]
    (found,) = {
        each["image_id"]
        for one in snapshots
        for pod in one["pods"]
        for each in pod["containers"]
        if each.get("image_id")
    }
    return str(found)


def compare(runs: Path, *words: str) -> str:
    done = children.run([sys.executable, "-m", "memcollect", "compare", *BACKENDS, *words], cwd=runs)
    assert done.returncode == NOT_ALL_TRIED, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def comparison(runs: Path) -> Comparison:
    return msgspec.json.decode(compare(runs, "--format", "json"), type=Comparison)


def refused(comparison: Comparison, kind: PairKind, backend: str) -> Mapping[str, list[str]]:
    """Return the rules that refuse, by the candidate's phase."""
    return {
        each.candidate.phase.label: [rule.rule for rule in each.refusals]
        for each in comparison.pairs
        if (each.kind, each.candidate.backend) == (kind, backend)
    }


def test_the_page_begins_with_the_largest_claim_and_says_what_keeps_the_templates_apart(runs: Path) -> None:
    first = " ".join(compare(runs, "--format", "table").split("\n\n")[0].split())
    assert first.startswith("box-a, warm-reuse (round 1) against empty: 4 MiB more working set per pod")
    assert "This is the largest of 18 differences that may be claimed, all of them more" in first
    assert (
        "Nothing may be claimed between the backends: the candidate does not keep the guide's rows" in first
    )
    assert "Isolation" in first


def test_between_the_templates_one_rule_alone_refuses_and_rightly_the_pods_reach_each_other(
    comparison: Comparison,
) -> None:
    assert refused(comparison, "backends", "box-b") == {
        label: ["evidence"] for label in (*SINGLE, *ROUNDS, *CROWDS)
    }
    assert comparison.evidence is not None
    (told,) = (
        each for each in comparison.evidence.lines if (each.row, each.name) == ("Isolation", "neighbour")
    )
    assert [each.verdict for each in told.results if each is not None] == ["fails", "fails"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_within_a_template_what_the_work_adds_is_claimed_and_that_a_crowd_adds_nothing_is_not(
    comparison: Comparison, backend: str
) -> None:
    found = refused(comparison, "phases", backend)
    work = (*SINGLE[1:], *ROUNDS)
    assert {label: found[label] for label in work} == {label: [] for label in work}
    alone, *crowds = (set(found[label]) for label in CROWDS)
    assert alone == {"residual", "movement", "interval"}
    assert [each - {"whole-pod"} for each in crowds] == [alone | {"pods"}] * 2


def test_without_what_todays_agent_tells_nothing_is_claimed_of_it(as_recorded: Path) -> None:
    found = msgspec.json.decode(compare(as_recorded, "--format", "json"), type=Comparison)
    tried = {each.reason for pair in found.pairs for each in pair.refusals if each.rule == "tried-image"}
    assert tried == {"the baseline's image that was tried is not recorded (an older memcollect tried it)"}
    said = {rule.reason for pair in found.pairs for rule in pair.refusals if rule.rule == "architecture"}
    assert said == {"the baseline's CPU architecture is not recorded (the node did not tell)"}
    assert not any(pair.allowed for pair in found.pairs)
    assert all("architecture" in {rule.rule for rule in pair.refusals} for pair in found.pairs)


def test_the_ten_rows_are_there_and_of_those_that_the_guide_guards_all_else_is_as_expected(
    comparison: Comparison,
) -> None:
    assert comparison.evidence is not None
    assert [row.name for row in comparison.evidence.rows] == [*MEASURED, *NAMES]
    bad = {
        each.name
        for each in comparison.evidence.lines
        if each.row in GUARDED
        and any(one is not None and one.verdict not in {"as-expected", "not-offered"} for one in each.results)
    }
    assert bad == {"neighbour"}
