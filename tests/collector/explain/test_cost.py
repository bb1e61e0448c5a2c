"""What explaining a pod costs, in function calls: as many on any machine, however busy."""

import sys
from collections import Counter
from types import FrameType

import pytest

from collector.explain.test_recordings import CLUSTER_NODES, node
from memcollect.documents.snapshot import Depth, Pod
from memcollect.explain import explain_pod
from memcollect_agent.wire import Node

SUMMARY_SHARE = 0.8
"""Of the calls of the full depth: what a summary may take at most."""
LOOKING_UP_SHARE = 0.25
"""Of all calls: those of the facts themselves, where looking one up is no call."""


def calls(pod: Pod, machine: Node, depth: Depth) -> Counter[str]:
    """Return how often functions of each file were called to explain the pod."""
    counted: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            counted[frame.f_code.co_filename.rpartition("/memcollect/")[2]] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        explain_pod(pod, machine, depth=depth)
    finally:
        sys.setprofile(before)
    return counted


@pytest.mark.parametrize("name", CLUSTER_NODES)
def test_a_summary_takes_fewer_calls_than_the_full_depth_and_facts_are_looked_up_without_any(
    name: str,
) -> None:
    snapshot = node(name)
    full, short = (
        sum((calls(pod, snapshot.nodes[0], depth) for pod in snapshot.pods), Counter())
        for depth in ("full", "summary")
    )

    assert short.total() <= SUMMARY_SHARE * full.total()
    assert full["accounting/facts.py"] <= LOOKING_UP_SHARE * full.total()
