import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect.accounting.node.facts import node_facts
from memcollect.accounting.node.ladder import node_ladder
from memcollect.documents.snapshot import Ladder, Top
from memcollect_agent.measure.sample import sample_node
from memcollect_agent.wire import SampleRequest
from worlds.agent_trees import recorded
from worlds.node_builders import MIB, NODE, Made
from worlds.recorded_nodes import NODE as RECORDED_NODE

AMOUNT = st.integers(0, 1 << 36)


def climbed(made: Made, top: Top | None = None) -> Ladder:
    return node_ladder(node_facts(made.account(top), NODE), top)


def rungs(ladder: Ladder) -> dict[str, int | None]:
    return {rung.rung: rung.bytes for rung in ladder.rungs}


def test_the_rungs_lead_from_available_to_the_kubelets_number() -> None:
    made = Made()

    assert rungs(climbed(made)) == {
        "mem_available": (8192 + 600 + 200 + 50 - 60) * MIB,
        "mem_total": made.total,
        "root_held": (410 + 40 + 800) * MIB,
        "node_working_set": (410 + 40 + 600) * MIB,
    }


def test_every_step_closes_and_says_what_is_not_available() -> None:
    ladder = climbed(Made())

    assert all(step.closed for step in ladder.steps)
    unavailable = {term.term: term.estimate_bytes for term in ladder.steps[0].terms}
    assert unavailable["held_back"] == 60 * MIB
    assert unavailable["anon"] == 410 * MIB
    assert "active_cache" not in unavailable


def test_swap_cache_that_nobody_maps_is_in_neither_number_of_the_root() -> None:
    """As a full kernel with swap was seen to count: the root's `file` is without it."""
    ladder = climbed(Made(swap_cached=5 * MIB))

    assert all(step.closed for step in ladder.steps)
    terms = {term.term: term.estimate_bytes for term in ladder.steps[1].terms}
    assert terms["uncounted_user"] == -5 * MIB


def test_kubectl_top_is_the_last_rung_floored_to_whole_mib() -> None:
    size = (410 + 40 + 600) * MIB + 1000
    ladder = climbed(Made(), Top(source="metrics.k8s.io", timestamp=990.0, memory_bytes=size))

    assert ladder.rungs[-1].rung == "top_node"
    assert ladder.rungs[-1].bytes == size - 1000
    assert ladder.steps[-1].closed


def test_without_history_an_older_sample_that_differs_is_left_open() -> None:
    top = Top(source="metrics.k8s.io", timestamp=990.0, memory_bytes=2000 * MIB)
    step = climbed(Made(), top).steps[-1]

    assert [each.name for each in step.undecided] == ["drift"]
    assert not step.closed


def test_a_root_without_memory_stat_has_rungs_with_reasons() -> None:
    account = Made().account()
    tree = msgspec.structs.replace(account.tree, root=None, absent={"memory.stat": "there is none"})
    ladder = node_ladder(node_facts(msgspec.structs.replace(account, tree=tree), NODE), None)

    held = next(rung for rung in ladder.rungs if rung.rung == "root_held")
    assert held.bytes is None
    assert held.reason


@given(
    st.builds(Made, **dict.fromkeys(("free", "service_active", "service_inactive", "direct"), AMOUNT)),
    st.integers(0, 1 << 40),
)
def test_terms_and_residual_are_each_gap(made: Made, top_bytes: int) -> None:
    for step in climbed(made, Top(source="metrics.k8s.io", timestamp=1.0, memory_bytes=top_bytes)).steps:
        owned = sum(term.estimate_bytes for term in step.terms)
        assert owned + step.residual.estimate_bytes == step.gap_bytes


CADVISOR = {
    "systemd-kernel-7.2": (285855744, 538578944, 394145792, 824434688, 430288896),
}
"""id="/" in /metrics/cadvisor of the recording: rss, cache, total_inactive_file, usage, working set."""


@pytest.mark.parametrize("condition", sorted(CADVISOR))
def test_the_kubelets_arithmetic_is_cadvisors_to_the_byte(condition: str) -> None:
    anon, file, inactive, usage, working_set = CADVISOR[condition]
    account = Made().account()
    root = {"anon": anon, "file": file, "inactive_file": inactive}
    tree = msgspec.structs.replace(account.tree, root=root)
    found = rungs(node_ladder(node_facts(msgspec.structs.replace(account, tree=tree), NODE), None))

    assert (found["root_held"], found["node_working_set"]) == (usage, working_set)


@pytest.mark.parametrize("condition", ["systemd-kernel-7.2", "systemd-kernel-6.12", "cgroupfs-kernel-7.2"])
def test_the_ladder_of_a_recorded_node_closes(condition: str) -> None:
    sample = sample_node(
        SampleRequest(pod_uids=[], sums=False, tree=True), recorded(condition), node_name=RECORDED_NODE
    )
    assert sample.tree is not None
    account = msgspec.structs.replace(Made().account(), tree=sample.tree)
    ladder = node_ladder(node_facts(account, sample.node), None)

    assert all(step.closed for step in ladder.steps), ladder
    assert len(ladder.steps) == 3
