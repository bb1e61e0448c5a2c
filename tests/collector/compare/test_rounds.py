import msgspec

from memcollect.compare import Document, Question, compare
from memcollect.compare.model import ReuseRow
from worlds import compare_builders as build
from worlds.compare_builders import MIB


def row(*documents: Document) -> ReuseRow:
    (found,) = compare(documents, Question()).reuses
    return found


def run(*anon: int, kept: list[bool] | None = None) -> Document:
    base = build.run("aio", {"empty": [100 * MIB, 400 * MIB, 900 * MIB]})
    return build.with_rounds(base, anon, kept=kept)


def test_growth_is_taken_within_each_repeat_from_the_first_round_to_the_last() -> None:
    found = row(run(100 * MIB, 90 * MIB, 107 * MIB))
    assert found.growth is not None
    assert found.growth.values_bytes == [7 * MIB] * 3
    assert (found.backend, found.phase, found.rounds) == ("aio", "warm-reuse", 3)


def test_the_term_that_grew_most_is_named() -> None:
    found = row(run(100 * MIB, 107 * MIB))
    assert (found.grown_term, found.grown_term_bytes) == ("anon", 7 * MIB)


def test_a_sandbox_that_shrinks_names_the_term_that_shrank() -> None:
    found = row(run(107 * MIB, 100 * MIB))
    assert (found.grown_term, found.grown_term_bytes) == ("anon", -7 * MIB)


def test_a_sandbox_that_stays_names_no_term() -> None:
    found = row(run(100 * MIB, 100 * MIB))
    assert found.growth is not None
    assert (found.growth.median_bytes, found.grown_term, found.grown_term_bytes) == (0, "", None)


def test_it_is_counted_how_often_the_same_pod_came_back() -> None:
    found = row(run(100 * MIB, 100 * MIB, 100 * MIB, kept=[True, False, True]))
    assert (found.same_pod, found.reuses) == (6, 9)


def test_of_a_single_round_no_growth_is_known_and_the_reason_is_told() -> None:
    found = row(run(100 * MIB))
    assert (found.growth, found.rounds) == (None, 1)
    assert "two rounds" in found.reason


def test_a_round_without_a_measured_pod_is_passed_over() -> None:
    document = run(100 * MIB, 105 * MIB, 103 * MIB)
    lost = {
        path: msgspec.structs.replace(each, pods=[]) if path.endswith("-3.json") and "warm" in path else each
        for path, each in document.snapshots.items()
    }
    found = row(msgspec.structs.replace(document, snapshots=lost))
    assert found.growth is not None
    assert (found.growth.values_bytes, found.rounds) == ([5 * MIB] * 3, 2)


def test_a_run_without_rounds_has_no_row() -> None:
    assert compare([build.run("aio", {"empty": [MIB]})], Question()).reuses == []
