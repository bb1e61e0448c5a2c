import pytest

from memcollect.explain import explain_pod
from memcollect.explain.node.short import node_short
from memcollect_agent.wire import Node
from worlds.builders import NODE, pod

GIB = 1 << 30


def node(available: int | None, whole: int | None = 16 * GIB) -> Node:
    lines = {"MemTotal": whole, "MemAvailable": available}
    return Node(name="n1", meminfo={name: size for name, size in lines.items() if size is not None})


def test_a_pod_of_a_node_that_is_short_is_told_so_with_the_amount() -> None:
    (finding,) = node_short(node(512 << 20))

    assert "only 512 MiB of 16 GiB available" in finding.sentence
    assert (finding.cause, finding.estimate_bytes) == ("node_short", 512 << 20)


@pytest.mark.parametrize("known", [node(8 * GIB), node(None), node(1, None), Node(name="n1"), None])
def test_a_node_with_room_or_without_numbers_is_not_spoken_of(known: Node | None) -> None:
    assert node_short(known) == []


def test_the_finding_is_among_the_pods_own() -> None:
    short = [each.cause for each in explain_pod(pod(), node(1 << 20)).findings]

    assert "node_short" in short
    assert "node_short" not in [each.cause for each in explain_pod(pod(), NODE).findings]
