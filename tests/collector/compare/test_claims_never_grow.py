"""Nobody claims more for the order of the files, for copies of them, or for pods that were not measured."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from memcollect.compare import Document, Question, compare
from memcollect.compare.model import Difference, Pair
from memcollect.compare.statistics import difference
from memcollect.compare.values import HEADLINE
from worlds import compare_builders as build
from worlds.compare_builders import MIB

PHASE = "after-python"
OF_THE_CANDIDATE = {"evidence", "tried-image"}
"""Rules that ask what the candidate keeps, and so are another question the other way round."""
sizes = st.lists(st.integers(80 * MIB, 200 * MIB), min_size=3, max_size=4)
few = st.lists(st.integers(0, 1 << 40), min_size=2, max_size=4)
values = st.lists(st.integers(0, 1 << 40), min_size=2, max_size=7)


def runs(before: list[int], after: list[int]) -> list[Document]:
    return [build.run("aio", {PHASE: before}), build.run("cube", {PHASE: after})]


def pair_of(documents: list[Document], baseline: str | None = None) -> Pair:
    (found,) = compare(documents, Question(baseline=baseline)).pairs
    return found


def headline(pair: Pair) -> Difference | None:
    (found,) = (each.difference for each in pair.deltas if each.metric == HEADLINE)
    return found


def mirrored(found: Difference) -> Difference:
    assert found.low_bytes is not None
    assert found.high_bytes is not None
    return msgspec.structs.replace(
        found,
        estimate_bytes=-found.estimate_bytes,
        low_bytes=-found.high_bytes,
        high_bytes=-found.low_bytes,
        n_before=found.n_after,
        n_after=found.n_before,
    )


@settings(derandomize=True, max_examples=30, deadline=None)
@given(sizes, sizes)
def test_the_other_way_round_the_answer_is_the_reverse(before: list[int], after: list[int]) -> None:
    documents = runs(before, after)
    there, back = pair_of(documents), pair_of(documents, baseline="cube")
    forth = headline(there)
    assert forth is not None
    assert headline(back) == mirrored(forth)
    refused = [{each.rule for each in pair.refusals} - OF_THE_CANDIDATE for pair in (there, back)]
    assert refused[0] == refused[1]


@settings(derandomize=True, max_examples=30, deadline=None)
@given(sizes, sizes)
def test_in_whatever_order_files_are_named_the_answer_is_the_same(
    before: list[int], after: list[int]
) -> None:
    documents = runs(before, after)
    assert pair_of(documents, "aio") == pair_of(documents[::-1], "aio")


@settings(derandomize=True, max_examples=20, deadline=None)
@given(sizes, sizes)
def test_a_copy_of_a_run_under_another_name_is_no_more_repeats(before: list[int], after: list[int]) -> None:
    first, second = runs(before, after)
    assert second.manifest is not None
    manifest = msgspec.structs.replace(second.manifest, run_id="another")
    copy = msgspec.structs.replace(second, name="runs/copy", sha256="c0" * 32, manifest=manifest)
    assert not pair_of([first, second, copy]).allowed


@settings(derandomize=True, max_examples=20, deadline=None)
@given(sizes, sizes, st.sampled_from([0, 1]), st.booleans())
def test_a_pod_that_was_not_measured_adds_nothing_and_refuses_the_claim(
    before: list[int],
    after: list[int],
    side: int,
    told: bool,  # noqa: FBT001 (drawn)
) -> None:
    documents = runs(before, after)
    lost = build.pod(0, "lost", cgroup=None, containers=[], unmeasured="gone" if told else "")
    path, one = next(iter(documents[side].snapshots.items()))
    more = build.snapshot(*one.pods, lost, sample=one.sample, captured_at=one.captured_at)
    changed = [*documents]
    changed[side] = msgspec.structs.replace(
        documents[side], snapshots={**documents[side].snapshots, path: more}
    )
    was, now = pair_of(documents), pair_of(changed)
    assert headline(now) == headline(was)
    assert not now.allowed
    assert {each.rule for each in was.refusals} | {"missing"} <= {each.rule for each in now.refusals}


@settings(derandomize=True)
@given(few, few)
def test_of_few_repeats_the_interval_reaches_over_all_that_was_seen(
    before: list[int], after: list[int]
) -> None:
    found = difference(before, after)
    assert (found.low_bytes, found.high_bytes) == (min(after) - max(before), max(after) - min(before))


@settings(derandomize=True)
@given(values, values, st.integers(2, 4))
def test_each_value_several_times_moves_no_estimate(before: list[int], after: list[int], times: int) -> None:
    assert (
        difference(before * times, after * times).estimate_bytes == difference(before, after).estimate_bytes
    )
