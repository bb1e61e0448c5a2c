import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memcollect.compare import Document, Question, compare
from memcollect.compare.model import Comparison, Judgement, Pair
from memcollect.compare.values import TOTALS
from memcollect.documents.run import FileEntry, NodeEvidence, PhaseStatus
from memcollect.documents.snapshot import Missing, Tool
from worlds import compare_builders as build
from worlds.compare_builders import MIB

QUESTION = Question(baseline="aio", issue="#3213")


def _pair(comparison: Comparison, phase: str = "after-python") -> Pair:
    return next(
        each for each in comparison.pairs if each.kind == "backends" and each.candidate.phase.name == phase
    )


def _change(pair: Pair, metric: str) -> int | None:
    found = next(each for each in pair.deltas if each.metric == metric).difference
    return found.estimate_bytes if found is not None else None


def test_a_difference_is_claimed_with_number_interval_n_and_scope() -> None:
    comparison = compare(build.good_pair(), QUESTION)
    assert _pair(comparison).claim.startswith(
        "after-python, cube against aio: 50 MiB less working set per pod (90 % interval −52 MiB to −48 MiB;"
        " 3 and 3 repeats of 1 pod, with which identical sides would look this different 1 time in 10;"
        " Linux 6.1.0; workload sha256 "
    )
    assert "Related to" not in comparison.verdict


def test_a_run_was_taken_from_its_earliest_to_its_latest_moment_in_whatever_zone_they_are_written() -> None:
    times = ["2026-01-01T01:00:00+02:00", "2026-01-01T00:00:00Z", "2025-12-31T23:30:00.5-01:00"]
    run = build.run("aio", {"empty": [MIB] * 3})
    taken = {
        path: msgspec.structs.replace(each, captured_at=time)
        for (path, each), time in zip(run.snapshots.items(), times, strict=True)
    }
    (source,) = compare([msgspec.structs.replace(run, snapshots=taken)], QUESTION).sources
    assert (source.first_taken_at, source.last_taken_at) == (times[0], times[2])


def test_a_workload_changed_by_one_byte_is_refused_from_that_phase_on() -> None:
    aio, cube = build.good_pair()
    assert cube.manifest is not None
    changed = [
        msgspec.structs.replace(each, sha256=each.sha256[:-1] + "x") if each.name == "after-python" else each
        for each in cube.manifest.workloads
    ]
    manifest = msgspec.structs.replace(cube.manifest, workloads=changed)
    comparison = compare([aio, msgspec.structs.replace(cube, manifest=manifest)], QUESTION)
    assert [each.rule for each in _pair(comparison).refusals] == ["workload"]
    assert _pair(comparison, "empty").allowed
    assert comparison.verdict.startswith("Related to #3213. empty, cube against aio: 10 MiB less")
    assert comparison.verdict.endswith("Nothing may be claimed of the other comparison, nor of the whole.")


def test_where_nothing_may_be_claimed_the_verdict_never_says_more_than_related() -> None:
    documents = [
        build.run("aio", {"empty": [100 * MIB] * 2}),
        build.run("cube", {"empty": [10 * MIB] * 2}),
    ]
    comparison = compare(documents, QUESTION)
    assert comparison.verdict == (
        "Related to #3213. Nothing may be claimed: too few repeats: 2 and 2, at least 3 of each are needed."
    )
    assert "reduce" not in msgspec.json.encode(comparison).decode()


def test_the_difference_is_attributed_to_the_term_that_holds_it() -> None:
    sizes = {"after-artifact": [200 * MIB] * 3}
    disk = build.run("disk", sizes, of_pod={"cache": 64 * MIB})
    tmpfs = build.run("tmpfs", sizes, of_pod={"shmem": 64 * MIB})
    pair = _pair(compare([disk, tmpfs], Question(baseline="disk")), "after-artifact")
    assert (_change(pair, "shmem"), _change(pair, "hot_cache")) == (64 * MIB, -64 * MIB)
    assert (_change(pair, "anon"), _change(pair, "working_set")) == (0, 0)
    assert not pair.allowed


def test_memory_that_went_from_the_containers_to_the_pods_own_cgroup_is_not_saved() -> None:
    sizes = {"empty": [100 * MIB] * 3}, {"empty": [50 * MIB] * 3}
    documents = [build.run("aio", sizes[0]), build.run("vm", sizes[1], of_pod={"outside": 45 * MIB})]
    pair = _pair(compare(documents, QUESTION), "empty")
    assert [each.rule for each in pair.refusals] == ["whole-pod"]
    assert "−50 MiB in the containers, −5 MiB in the pod's whole cgroup" in pair.refusals[0].reason


def test_a_phase_that_one_side_lacks_is_refused_and_missing() -> None:
    aio, cube = build.good_pair()
    short = build.run("cube", {"empty": [90 * MIB] * 3})
    comparison = compare([aio, short], QUESTION)
    assert [each.rule for each in _pair(comparison).refusals] == ["phase"]
    assert [gap.reason for gap in comparison.missing] == [
        "was not measured, though it was on another backend"
    ]
    assert cube.name == short.name


def test_an_altered_file_is_missing_and_spoils_every_claim_of_its_side() -> None:
    aio, cube = build.good_pair()
    snapshots = {path: each for path, each in cube.snapshots.items() if path != build.path_of("empty", 1)}
    altered = msgspec.structs.replace(
        cube, snapshots=snapshots, problems=["snapshots/empty-1.json was altered"]
    )
    comparison = compare([aio, altered], QUESTION)
    assert {each.rule for each in _pair(comparison, "empty").refusals} == {"files", "missing", "repeats"}
    assert not _pair(comparison).allowed
    assert any("was altered" in gap.reason for gap in comparison.missing)


def test_terms_and_residual_of_a_repeat_sum_to_its_working_set() -> None:
    snapshot = build.snapshot(build.pod(3 * MIB, "a"), build.pod(5 * MIB + 1, "b", shmem=7, cache=9))
    documents = [build.document(snapshot, "a"), build.document(build.snapshot(build.pod(MIB)), "b")]
    cell = compare(documents, Question(by="file")).cells[0]
    values = {each.metric: each.spread.median_bytes for each in cell.measures if each.spread is not None}
    terms = sum(value for name, value in values.items() if name not in TOTALS)
    assert terms == pytest.approx(values["working_set"], abs=len(values))


def test_what_a_pod_cannot_tell_is_told_for_the_repeat_and_never_zero() -> None:
    silent = build.pod(MIB, top=None)
    documents = [
        build.document(build.snapshot(silent), "a"),
        build.document(build.snapshot(build.pod(9)), "b"),
    ]
    pair = compare(documents, Question(by="file")).pairs[0]
    top = next(each for each in pair.deltas if each.metric == "top")
    assert top.baseline is None
    assert top.difference is None
    assert "kubectl top was not asked" in top.reason


def test_single_snapshots_are_shown_with_their_difference_but_carry_no_claim() -> None:
    before, after = (
        build.snapshot(build.pod(MIB)),
        build.snapshot(build.pod(9 * MIB), sample="after", captured_at="2026-01-01T00:05:00Z"),
    )
    comparison = compare(
        [build.document(before, "before.json"), build.document(after, "after.json")], QUESTION
    )
    (pair,) = comparison.pairs
    assert (pair.kind, _change(pair, "working_set"), pair.allowed) == ("phases", 8 * MIB, False)
    assert {"repeats", "status", "settled"} <= {each.rule for each in pair.refusals}


def test_what_a_single_snapshot_lacks_is_said_once() -> None:
    gone = Missing(kind="pod", name="deer-flow/late", reason="pending", detail="wait")
    before = build.snapshot(build.pod(MIB), missing=[gone])
    documents = [
        build.document(before, "a.json", "a"),
        build.document(build.snapshot(build.pod(MIB)), "b.json"),
    ]
    (told,) = [each.reason for each in refusals(documents) if each.rule == "missing"]
    assert told == "missing on the baseline: empty: pod deer-flow/late (pending): wait"


def refusals(documents: list[Document]) -> list[Judgement]:
    (pair,) = [each for each in compare(documents, Question()).pairs if each.kind == "backends"]
    return pair.refusals


def test_a_phase_too_young_for_kubectl_top_knows_its_provider_from_a_later_one() -> None:
    documents = []
    for document in build.good_pair():
        young = {
            path: build.snapshot(
                *[msgspec.structs.replace(pod, top=None) for pod in each.pods],
                captured_at=each.captured_at,
            )
            if each.sample == "empty"
            else each
            for path, each in document.snapshots.items()
        }
        documents.append(msgspec.structs.replace(document, snapshots=young))
    assert _pair(compare(documents, QUESTION), "empty").allowed
    untold = [
        msgspec.structs.replace(
            each, snapshots={p: s for p, s in each.snapshots.items() if s.sample == "empty"}
        )
        for each in documents
    ]
    refused = _pair(compare(untold, QUESTION), "empty").refusals
    assert "top-provider" in {each.rule for each in refused}


def test_runs_of_one_backend_are_said_to_be_taken_together() -> None:
    sizes = {"empty": [MIB] * 3}
    first, second = build.run("aio", sizes), build.run("aio", sizes, run_id="another")
    comparison = compare([first, msgspec.structs.replace(second, name="runs/two", sha256="2")], QUESTION)
    assert comparison.cells[0].repeats == 6
    assert any("2 runs are taken together as repeats of aio" in note for note in comparison.notes)


def _documents() -> list[Document]:
    others = [
        build.document(build.snapshot(build.pod(size * MIB), sample=sample), f"{sample}-{size}.json", "loose")
        for sample in ("empty", "after-node")
        for size in (70, 80, 90)
    ]
    return [*build.good_pair(), *others]


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.permutations(_documents()))
def test_the_order_of_the_documents_changes_nothing(shuffled: list[Document]) -> None:
    assert compare(shuffled, QUESTION) == compare(_documents(), QUESTION)


def labelled(document: Document, label: str) -> Document:
    return msgspec.structs.replace(document, label=label)


def backend_refusals(*documents: Document) -> set[str]:
    """Return what the rule says of the backends' pairs; none where it lets them pass."""
    pairs = [each for each in compare(documents, Question()).pairs if each.kind == "backends"]
    assert pairs
    return {rule.reason for each in pairs for rule in each.refusals if rule.rule == "backend"}


def test_labels_that_stand_for_the_other_side_are_refused() -> None:
    aio, cube = build.good_pair()
    assert backend_refusals(labelled(aio, "cube"), labelled(cube, "aio")) == {
        "the baseline is labelled cube, which is what the candidate's own run calls it"
    }
    assert backend_refusals(labelled(aio, "before"), labelled(cube, "after")) == set()


def test_what_a_run_calls_itself_is_kept_beside_its_label() -> None:
    aio, cube = build.good_pair()
    found = compare([aio, labelled(cube, "boxlite")], Question()).sources
    assert [(each.backend, each.called) for each in found] == [("aio", "aio"), ("boxlite", "cube")]


def test_of_one_backend_an_older_run_may_have_a_label_of_its_own() -> None:
    aio, cube = build.good_pair()
    assert cube.manifest is not None
    later = msgspec.structs.replace(cube, manifest=msgspec.structs.replace(cube.manifest, backend="aio"))
    assert backend_refusals(labelled(aio, "aio-old"), later) == set()


def test_runs_of_two_backends_under_one_label_are_no_repeats_of_one() -> None:
    aio, cube = build.good_pair()
    other = build.run("boxlite", {"empty": [80 * MIB] * 3, "after-python": [240 * MIB] * 3})
    assert backend_refusals(aio, labelled(cube, "cube"), labelled(other, "cube")) == {
        "more than one backend is taken together as the candidate: boxlite and cube"
    }


def test_evidence_of_another_backend_is_none_of_the_candidates() -> None:
    aio, cube = build.good_pair()
    assert cube.manifest is not None
    untried = msgspec.structs.replace(cube, evidence=[])
    borrowed = msgspec.structs.replace(
        aio,
        name="runs/tried",
        sha256="ee" * 32,
        label="cube",
        snapshots={},
        evidence=[build.evidence_of("aio")],
    )
    assert borrowed.manifest is not None
    alone = msgspec.structs.replace(borrowed.manifest, run_id="tried", phases=[])
    assert backend_refusals(aio, untried, msgspec.structs.replace(borrowed, manifest=alone)) == {
        "more than one backend is taken together as the candidate: aio and cube"
    }


def test_one_run_given_twice_under_two_names_is_no_repeat_of_itself() -> None:
    aio, cube = build.good_pair()
    again = msgspec.structs.replace(aio, name="copy", sha256="other")
    comparison = compare([aio, cube, again], QUESTION)
    assert not any(pair.allowed for pair in comparison.pairs if pair.kind == "backends")
    assert any("holds a measurement that copy holds, too" in gap.reason for gap in comparison.missing)


def test_a_runs_snapshot_given_beside_it_is_no_repeat_either() -> None:
    aio, _ = build.good_pair()
    assert aio.manifest is not None
    entry = FileEntry(path=build.path_of("empty", 1), sha256="5e", size_bytes=1)
    manifest = msgspec.structs.replace(aio.manifest, files=[entry])
    loose = Document(
        name="x.json", label="aio", sha256="5e", snapshots={"x.json": build.snapshot(build.pod(1))}
    )
    comparison = compare([msgspec.structs.replace(aio, manifest=manifest), loose], QUESTION)
    assert any("holds a measurement" in gap.reason for gap in comparison.missing)


def test_of_many_claims_the_verdict_states_the_largest() -> None:
    sizes = {f"phase-{index}": [(100 + index) * MIB] * 3 for index in range(4)}
    smaller = {
        phase: [size - (10 + index) * MIB for size in each]
        for index, (phase, each) in enumerate(sizes.items())
    }
    comparison = compare([build.run("aio", sizes), build.run("cube", smaller)], QUESTION)
    assert comparison.verdict.startswith("phase-3, cube against aio: 13 MiB less")
    said = "the largest of 4 differences that may be claimed, all of them less; the others stand below."
    assert comparison.verdict.endswith(said)


def test_of_claims_in_both_directions_the_verdict_states_the_largest_of_each() -> None:
    base = {f"phase-{index}": [300 * MIB] * 3 for index in range(3)}
    sizes = dict(zip(base, (100, 540, 550), strict=True))
    other = {phase: [size * MIB] * 3 for phase, size in sizes.items()}
    verdict = compare([build.run("aio", base), build.run("cube", other)], QUESTION).verdict
    assert verdict.startswith("phase-0, cube against aio: 200 MiB less")
    assert "phase-2, cube against aio: 250 MiB more" in verdict
    assert verdict.endswith("1 of them less and 2 more; the others stand below.")


def test_enough_repeats_need_no_warning_in_the_claim() -> None:
    documents = [
        build.run(name, {"empty": [(size + index) * MIB for index in range(6)]})
        for name, size in (("aio", 100), ("cube", 50))
    ]
    pair = _pair(compare(documents, QUESTION), "empty")
    assert pair.claim
    assert "so few" not in pair.claim


@pytest.mark.parametrize("status", ["failed", "timed-out", "interrupted"])
def test_what_went_wrong_before_in_the_same_sandbox_spoils_the_claims_of_all_that_comes_after(
    status: PhaseStatus,
) -> None:
    aio, cube = build.good_pair()
    assert cube.manifest is not None
    phases = [
        msgspec.structs.replace(each, status=status) if (each.phase, each.repeat) == ("empty", 2) else each
        for each in cube.manifest.phases
    ]
    broken = msgspec.structs.replace(cube, manifest=msgspec.structs.replace(cube.manifest, phases=phases))
    refused = {each.rule: each.reason for each in _pair(compare([aio, broken], QUESTION)).refusals}
    assert refused == {
        "earlier": f"what was done before in the same sandboxes did not end well: empty: {status}"
    }


def test_a_phase_that_was_skipped_before_did_nothing_and_spoils_nothing() -> None:
    documents = []
    for document in build.good_pair():
        assert document.manifest is not None
        skipped = [
            build.phase_run("none", repeat, status="skipped", snapshots=[], workload="none")
            for repeat in (1, 2, 3)
        ]
        planned = msgspec.structs.replace(document.manifest.plan, phases=["none", "empty", "after-python"])
        manifest = msgspec.structs.replace(
            document.manifest, phases=[*skipped, *document.manifest.phases], plan=planned
        )
        documents.append(msgspec.structs.replace(document, manifest=manifest))
    assert _pair(compare(documents, QUESTION)).allowed


def test_the_same_pod_measured_again_and_again_is_no_repeat() -> None:
    base = build.run("aio", {"empty": [100 * MIB, 100 * MIB, 101 * MIB]})
    same = build.run("cube", {"empty": [50 * MIB] * 3}, of_pod={"uid": "the-same"})
    pair = _pair(compare([base, same], QUESTION), "empty")
    assert [each.rule for each in pair.refusals] == ["own-pods"]
    assert pair.refusals[0].reason.endswith("which are none then: sandbox-1")


@pytest.mark.parametrize("resumed", [False, True])
def test_versions_of_memcollect_are_told_also_where_another_one_went_on_with_a_run(
    resumed: bool,  # noqa: FBT001 (drawn)
) -> None:
    first, second = build.good_pair()
    path, one = next(iter(second.snapshots.items()))
    later = msgspec.structs.replace(one, tool=Tool(version="0.2.0" if resumed else "0.1.0"))
    changed = msgspec.structs.replace(second, snapshots={**second.snapshots, path: later})
    told = "The documents were written by different versions of memcollect: 0.1.0, 0.2.0."
    assert (told in compare([first, changed], QUESTION).notes) is resumed


@pytest.mark.parametrize(("more", "told"), [(40 * MIB, False), (60 * MIB, True)])
def test_what_was_on_the_nodes_before_is_told_where_it_differs_by_more_than_a_claim(
    more: int,
    told: bool,  # noqa: FBT001 (drawn)
) -> None:
    def before(held: int) -> list[NodeEvidence]:
        return [NodeEvidence(node="node-1", moment="before", pods_charge_bytes=held)]

    sizes = {"aio": 100 * MIB, "cube": 50 * MIB}
    held = {"aio": 16 * MIB, "cube": 16 * MIB + more}
    runs = [build.run(name, {"empty": [sizes[name]] * 3}, nodes=before(held[name])) for name in sizes]
    notes = [each for each in compare(runs, QUESTION).notes if each.startswith("Before the runs, ")]
    assert [each.partition(", which")[0] for each in notes] == [
        "Before the runs, the pods of a node held from 16 MiB (aio) to 76 MiB (cube)"
    ] * told


def test_a_difference_within_what_may_move_at_rest_is_no_claim() -> None:
    documents = [
        build.run("aio", {"empty": [100 * MIB] * 3}),
        build.run("cube", {"empty": [100 * MIB - 300 * 1024] * 3}),
    ]
    assert [each.rule for each in _pair(compare(documents, QUESTION), "empty").refusals] == ["movement"]


def test_a_run_against_its_own_numbers_differs_in_nothing() -> None:
    aio, _ = build.good_pair()
    assert aio.manifest is not None
    manifest = msgspec.structs.replace(aio.manifest, run_id="again", backend="same")
    again = msgspec.structs.replace(aio, name="runs/same", sha256="other", manifest=manifest)
    for pair in compare([aio, again], QUESTION).pairs:
        if pair.kind == "backends":
            assert all(each.difference is None or not each.difference.estimate_bytes for each in pair.deltas)
            assert not pair.allowed
