"""The pods that are told in full: the heaviest of each reason, whatever the order in which they come."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from memcollect.documents.snapshot import Pod, PodSummary
from memcollect.explain.deserving import REASONS
from memcollect.taking.chosen import Candidate, Chosen, beats

weights = st.dictionaries(st.sampled_from(sorted(REASONS)), st.integers(0, 9), max_size=4)


def candidate(name: str, of: Mapping[str, int], *, full: bool = True) -> Candidate:
    short = Pod(uid=name, name=name, summary=PodSummary())
    return Candidate(short, Pod(uid=name, name=name) if full else None, of)


def told(many: list[Mapping[str, int]], most: int) -> tuple[list[Pod], Chosen]:
    chosen = Chosen(most)
    rows: list[Pod] = []
    for number, of in enumerate(many):
        full = beats(of, chosen.floors)
        for row in chosen.add(candidate(f"p{number}", of if full else {}, full=full)):
            assert isinstance(row, Pod)
            rows.append(row)
    for row in chosen.rest():
        assert isinstance(row, Pod)
        rows.append(row)
    return rows, chosen


@given(st.lists(weights, max_size=30), st.integers(1, 4))
def test_the_heaviest_of_each_reason_are_told_in_full_and_every_pod_once(
    many: list[Mapping[str, int]], most: int
) -> None:
    rows, chosen = told(many, most)
    assert sorted(row.name for row in rows) == sorted(f"p{number}" for number in range(len(many)))
    in_full = {row.name for row in rows if row.summary is None}
    for reason in REASONS:
        having = [(of[reason], -number) for number, of in enumerate(many) if reason in of]
        heaviest = {f"p{-number}" for _, number in sorted(having)[-most:]}
        assert heaviest <= in_full
    assert chosen.told_in_full == len(in_full) <= most * len(REASONS)
    assert chosen.told_in_full + chosen.told_in_summary == len(many)


def test_one_that_is_displaced_leaves_in_summary_at_once() -> None:
    chosen = Chosen(1)
    assert list(chosen.add(candidate("small", {"largest": 1}))) == []
    (gone,) = chosen.add(candidate("large", {"largest": 2}))
    assert isinstance(gone, Pod)
    assert (gone.name, gone.summary) == ("small", PodSummary())
    assert [row.name for row in chosen.rest() if isinstance(row, Pod)] == ["large"]
    assert chosen.reasons == {"largest": 1}


def test_one_that_is_displaced_for_one_reason_stays_for_another() -> None:
    chosen = Chosen(1)
    list(chosen.add(candidate("small", {"largest": 1, "growing": 7})))
    assert list(chosen.add(candidate("large", {"largest": 2}))) == []
    assert [row.name for row in chosen.rest() if isinstance(row, Pod)] == ["small", "large"]


def test_floors_are_told_once_there_is_no_room() -> None:
    chosen = Chosen(1)
    assert beats({"largest": 0}, chosen.floors)
    list(chosen.add(candidate("p", {"largest": 5})))
    assert not beats({"largest": 5}, chosen.floors)
    assert beats({"largest": 6}, chosen.floors)
    assert beats({"urgent": 1}, chosen.floors)
