"""What the backends do, in the comparison: the guide's rule that no memory alone recommends one."""

from typing import Any

import msgspec
import pytest

from memcollect.compare import Document, Question, compare
from memcollect.compare.model import Capacity, Cell, Comparison, Measure, PhaseKey, Spread, StartupRow
from memcollect.compare.tried import matrix_of
from memcollect.evidence.document import Evidence, TriedImage
from memcollect.evidence.judging import Verdict
from worlds.compare_builders import MIB, evidence_of, good_pair


def compared(*documents: Document) -> Comparison:
    return compare(documents, Question(by="label", issue="#1"))


def with_evidence(candidate: Evidence | None, baseline: Evidence | None = None) -> list[Document]:
    before, after = good_pair()
    tried = evidence_of("aio") if baseline is None else baseline
    return [
        msgspec.structs.replace(before, evidence=[tried]),
        msgspec.structs.replace(after, evidence=[] if candidate is None else [candidate]),
    ]


def refusals(comparison: Comparison) -> set[str]:
    return {each.rule for pair in comparison.pairs if pair.kind == "backends" for each in pair.refusals}


def test_with_every_guarded_row_as_expected_the_claim_stands() -> None:
    comparison = compared(*with_evidence(evidence_of("cube")))
    assert refusals(comparison) == set()
    assert "less working set per pod" in comparison.verdict


def test_a_candidate_that_nobody_has_tried_may_be_related_to_and_not_claimed() -> None:
    comparison = compared(*with_evidence(None))
    assert refusals(comparison) == {"evidence", "tried-image"}
    assert comparison.verdict.startswith("Related to #1. ")
    assert "Nothing may be claimed between the backends: " in comparison.verdict
    assert "do = “evidence” does" in comparison.verdict


@pytest.mark.parametrize("row", ["Uploads", "Artifacts", "Paths", "Isolation"])
@pytest.mark.parametrize("verdict", ["fails", "differs", "not-offered", "not-tried"])
def test_a_guarded_row_that_is_not_as_expected_refuses_the_claim(row: str, verdict: Verdict) -> None:
    comparison = compared(*with_evidence(evidence_of("cube", {row: verdict})))
    assert refusals(comparison) == {"evidence"}
    reasons = {each.reason for pair in comparison.pairs for each in pair.refusals if each.rule == "evidence"}
    assert reasons
    assert all(row in each for each in reasons)


def test_rows_without_an_answer_are_told_in_one_sentence_with_what_gives_one() -> None:
    """Two templates tried with `exec`, without a gateway: nothing is wrong, and nothing is known."""
    rows: dict[str, Verdict] = {"Uploads": "not-tried", "Artifacts": "not-offered"}
    comparison = compared(*with_evidence(evidence_of("cube", rows, driver="exec")))
    assert refusals(comparison) == {"evidence"}
    said = comparison.verdict.partition("Nothing may be claimed between the backends: ")[2]
    assert said.startswith(
        "what the candidate does with Artifacts and Uploads is not known (it is otherwise):"
    )
    assert "such as `gateway`" in said


def test_a_trial_that_was_broken_off_is_none_though_the_guarded_rows_are_whole() -> None:
    comparison = compared(*with_evidence(evidence_of("cube", finished_at=None)))
    assert refusals(comparison) == {"evidence"}
    assert "the run was broken off" in comparison.verdict
    assert comparison.evidence is not None
    (advice,) = (each for each in comparison.evidence.advice if each.backend.endswith("cube"))
    assert advice.reasons == ["the run was broken off"]


def test_a_row_that_fails_is_told_whatever_else_could_not_be_asked_for() -> None:
    comparison = compared(*with_evidence(evidence_of("cube", {"Uploads": "not-offered", "Paths": "fails"})))
    reasons = {each.reason for pair in comparison.pairs for each in pair.refusals if each.rule == "evidence"}
    assert all("does not keep the guide's rows" in each and "Paths" in each for each in reasons)
    assert reasons


def test_evidence_that_nobody_recorded_is_one_sentence() -> None:
    comparison = compared(*with_evidence(None))
    assert "between the backends: the candidate's evidence of what it does is not recorded (no run has" in (
        comparison.verdict
    )


@pytest.mark.parametrize("row", ["Commands", "Files", "Cleanup", "Operations"])
def test_other_rows_are_told_and_refuse_nothing(row: str) -> None:
    comparison = compared(*with_evidence(evidence_of("cube", {row: "fails"})))
    assert refusals(comparison) == set()
    assert comparison.evidence is not None
    assert [each.may for each in comparison.evidence.advice] == [True, False]


def test_the_baselines_own_faults_do_not_speak_against_the_candidate() -> None:
    comparison = compared(*with_evidence(evidence_of("cube"), evidence_of("aio", {"Isolation": "fails"})))
    assert refusals(comparison) == set()


def test_sides_that_were_tried_by_different_catalogues_are_not_held_against_one_another() -> None:
    catalogue = msgspec.structs.replace(evidence_of("cube").catalogue, sha256="d1" * 32)
    comparison = compared(*with_evidence(evidence_of("cube", catalogue=catalogue)))
    assert refusals(comparison) == {"evidence"}


def test_of_several_trials_of_a_backend_the_last_counts() -> None:
    before, after = with_evidence(evidence_of("cube", started_at=9.0))
    both = [*after.evidence, evidence_of("cube", {"Paths": "fails"}, started_at=5.0)]
    for order in (both, both[::-1]):
        assert refusals(compared(before, msgspec.structs.replace(after, evidence=order))) == set()


def test_what_an_earlier_trial_found_is_told_though_the_last_counts() -> None:
    before, after = with_evidence(evidence_of("cube", started_at=9.0))
    both = [*after.evidence, evidence_of("cube", {"Paths": "fails"}, started_at=5.0)]
    assert [note for note in compared(before, after).notes if " tried " in note] == []
    comparison = compared(before, msgspec.structs.replace(after, evidence=both))
    (told,) = [note for note in comparison.notes if " tried " in note]
    assert told == (
        "runs/cube was tried 2 times; what was begun last counts, that of runs/cube. What was begun before it"
        " was not as expected: runs/cube: Paths: workspace: fails: it is otherwise."
    )


def test_the_first_two_rows_are_what_was_measured_at_each_number_of_sandboxes() -> None:
    phase = PhaseKey(name="concurrent", step=50)
    spread = Spread(
        n=3, median_bytes=90 * MIB, low_bytes=80 * MIB, high_bytes=95 * MIB, q1_bytes=1, q3_bytes=1
    )
    total = Spread(n=3, median_bytes=4500 * MIB, low_bytes=1, high_bytes=2, q1_bytes=1, q3_bytes=1)
    whole = Cell(
        backend="aio",
        phase=phase,
        repeats=3,
        pods=[50, 50, 50],
        measures=[Measure(metric="working_set", spread=spread)],
        capacity=Capacity(metric="working_set", total=total, largest_bytes=120 * MIB),
    )
    cells = [
        whole,
        msgspec.structs.replace(whole, phase=PhaseKey(name="empty")),
        part_of(whole),
        guests(whole),
    ]
    startups = [
        StartupRow(backend="aio", phase=PhaseKey(name="empty"), n=3, p50_seconds=1.0, p95_seconds=1.5),
        StartupRow(backend="aio", phase=PhaseKey(name="warm", cycle=1), n=3, p50_seconds=9.0),
        StartupRow(backend="aio", phase=phase, n=49, never_ready=1, p50_seconds=2.0, p95_seconds=4.5),
    ]
    found = matrix_of(["aio", "cube"], {"aio": evidence_of("aio")}, cells, startups)
    assert found is not None
    assert found.backends == ["aio"]
    capacity, startup = (row.cells[0].worst for row in found.rows[:2])
    rest = "90 MiB on average (80 MiB to 95 MiB over the repeats), the largest 120 MiB"
    assert capacity.split("; ") == [
        f"50 at once: 4500 MiB in all, {rest}",
        f"50 at once: of which in one repeat 49 were measured, {rest}",
        f"50 at once: with all that the pods' own cgroups hold, 4500 MiB in all, {rest}",
    ]
    assert startup.split("; ") == [
        "1 at once (empty): p50 1.0 s, p95 1.5 s of 3",
        "50 at once: p50 2.0 s, p95 4.5 s of 49, 1 never ready",
    ]


def part_of(cell: Cell) -> Cell:
    return msgspec.structs.replace(cell, pods=[49, 50, 50])


def guests(cell: Cell) -> Cell:
    """Return the cell as of pods in virtual machines, of which the whole is known alone."""
    assert cell.capacity is not None
    whole = msgspec.structs.replace(cell.measures[0], metric="pod_working_set")
    return msgspec.structs.replace(
        cell, measures=[whole], capacity=msgspec.structs.replace(cell.capacity, metric="pod_working_set")
    )


def test_where_no_backend_was_tried_there_is_no_matrix() -> None:
    assert matrix_of(["aio"], {}, [], []) is None


def test_a_run_that_has_only_tried_its_backend_brings_its_evidence_and_is_no_repeat() -> None:
    before, after = good_pair()
    bare = [msgspec.structs.replace(each, evidence=[]) for each in (before, after)]
    only = [
        msgspec.structs.replace(each, name=f"{each.name}-tried", sha256=f"{each.sha256[:-1]}x", snapshots={})
        for each in (before, after)
    ]
    assert all(each.manifest is not None for each in only)
    empty = [
        msgspec.structs.replace(
            each,
            manifest=msgspec.structs.replace(
                each.manifest,
                run_id=f"{each.name}-tried",
                phases=[],
                plan=msgspec.structs.replace(each.manifest.plan, phases=[], evidence=["evidence"]),
            ),
        )
        for each in only
        if each.manifest is not None
    ]
    comparison = compare([*bare, *empty], Question(baseline="aio"))
    assert refusals(comparison) == set()
    assert comparison.missing == []
    assert not any("taken together as repeats" in note for note in comparison.notes)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"images": []}, "an older memcollect tried it"),
        ({"images_unknown": "a pod was not seen"}, "a pod was not seen"),
        (
            {"images": [TriedImage(container="aio", image="aio:1", image_id="")]},
            "the node did not tell which image it ran",
        ),
    ],
)
def test_where_it_was_not_recorded_which_image_was_tried_nothing_is_claimed(
    more: dict[str, Any], why: str
) -> None:
    (pair,) = (
        each
        for each in compared(*with_evidence(evidence_of("cube", **more))).pairs
        if each.kind == "backends" and each.candidate.phase.name == "after-python"
    )
    assert [(each.rule, each.reason) for each in pair.refusals] == [
        ("tried-image", f"the candidate's image that was tried is not recorded ({why})")
    ]
