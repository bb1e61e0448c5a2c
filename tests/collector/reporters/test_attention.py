import msgspec
import pytest

from memcollect.documents.snapshot import Pod, Statement, Top
from memcollect.explain.statement import Rank
from memcollect.reporters.attention import MOST, first_looks, others
from worlds.compare_builders import MIB, pod, snapshot


def named(name: str, size: int, *said: tuple[Rank, str]) -> Pod:
    explained = snapshot(pod(size * MIB, name)).pods[0]
    statements = [Statement(topic="t", sentence=sentence, rank=int(rank)) for rank, sentence in said]
    return msgspec.structs.replace(explained, statements=statements)


def test_what_was_killed_goes_before_what_is_near_its_limit_and_what_is_not_explained() -> None:
    pods = [
        named("doubtful", 900, (Rank.DOUBTS, "d.")),
        named("near", 500, (Rank.PRESSURE, "p.")),
        named("killed", 10, (Rank.DEATHS, "k.")),
        named("quiet", 999, (Rank.PARTS, "x"), (Rank.ROOM, "r.")),
    ]
    found = first_looks(pods)
    assert [(each.pod.name, each.sentence) for each in found] == [
        ("killed", "k."),
        ("near", "p."),
        ("doubtful", "d."),
    ]
    assert all(each.is_news for each in found)


def test_a_pod_stands_there_once_with_its_most_urgent_sentence() -> None:
    found = first_looks([named("a", 5, (Rank.DOUBTS, "d."), (Rank.DEATHS, "k."))])
    assert [each.sentence for each in found] == ["k."]


def test_of_many_the_largest_are_shown_and_the_others_counted() -> None:
    pods = [named(f"p{size}", size, (Rank.PRESSURE, "p.")) for size in range(1, 8)]
    found = first_looks(pods)
    assert [each.pod.name for each in found] == ["p7", "p6", "p5"]
    assert others(pods, found) == 7 - MOST


def test_where_nothing_presses_the_largest_is_named_as_that() -> None:
    found = first_looks([named("small", 5), named("large", 50)])
    assert [(each.pod.name, each.is_news) for each in found] == [("large", False)]


@pytest.mark.parametrize(
    ("status", "then", "grown"),
    [("drifted", 30, True), ("drifted", 98, False), ("drifted", 150, False), ("reconciled", 30, False)],
)
def test_what_grew_since_the_sample_is_news(status: str, then: int, *, grown: bool) -> None:
    pod_ = named("growing", 100)
    top = Top(source="metrics.k8s.io", memory_bytes=then * MIB, status=status)
    found = first_looks([msgspec.structs.replace(pod_, top=top), named("larger", 500)])
    assert [(each.pod.name, each.is_news) for each in found] == [("growing" if grown else "larger", grown)]
    if grown:
        assert found[0].sentence == "It grew by 70 MiB since kubectl top's sample, to 100 MiB."


def test_without_numbers_nobody_is_pointed_at() -> None:
    assert first_looks([pod(MIB)]) == []
    assert first_looks([]) == []
