"""Which pods of many are told in full: what each reason demands."""

import msgspec

from memcollect.documents.snapshot import Pod, Statement, Top
from memcollect.explain.deserving import REASONS, deserving
from memcollect.explain.statement import Rank
from worlds import sample_snapshots as samples

MIB = 1 << 20


def measured() -> Pod:
    return msgspec.structs.replace(samples.pod("p"), statements=[], top=None)


def size_of(pod: Pod) -> int:
    assert pod.composition is not None
    return pod.composition.working_set_bytes


def said(rank: Rank) -> list[Statement]:
    return [Statement(topic="t", sentence="It is so.", rank=int(rank))]


def top_of(size_bytes: int, status: str) -> Top:
    return Top(source="metrics.k8s.io", memory_bytes=size_bytes, status=status)


def test_a_measured_pod_is_weighed_by_its_size_alone() -> None:
    assert deserving(measured()) == {"largest": size_of(measured())}


def test_what_was_not_measured_deserves_nothing() -> None:
    assert deserving(Pod(uid="u", name="n", unmeasured="no agent answered")) == {}


def test_what_was_killed_or_is_near_a_limit_is_urgent() -> None:
    for rank in (Rank.DEATHS, Rank.PRESSURE):
        pod = msgspec.structs.replace(measured(), statements=said(rank))
        assert set(deserving(pod)) == {"largest", "urgent"}


def test_what_has_no_name_is_weighed_by_what_has_none() -> None:
    pod = msgspec.structs.replace(measured(), statements=said(Rank.DOUBTS))
    assert pod.composition is not None
    assert deserving(pod)["unexplained"] == abs(pod.composition.residual.estimate_bytes)


def test_a_number_of_top_that_nothing_explains_is_weighed_by_its_distance() -> None:
    top = top_of(size_of(measured()) + 9 * MIB, "unexplained")
    assert deserving(msgspec.structs.replace(measured(), top=top))["unexplained"] >= 9 * MIB


def test_growth_since_the_sample_is_a_reason() -> None:
    size = size_of(measured())
    top = top_of(size - size // 2, "drifted")
    assert deserving(msgspec.structs.replace(measured(), top=top))["growing"] == size // 2
    little = top_of(size - 1, "drifted")
    assert "growing" not in deserving(msgspec.structs.replace(measured(), top=little))


def test_each_reason_has_words() -> None:
    urgent = msgspec.structs.replace(measured(), statements=said(Rank.DEATHS))
    assert set(deserving(urgent)) <= set(REASONS)
