"""A pod told in summary: the numbers and the verdict of the full depth, or less, and never something else."""

import msgspec
import pytest
from hypothesis import given, settings

from collector.explain.strategies import snapshots
from collector.explain.test_properties import always
from collector.explain.test_recordings import CLUSTER_NODES, LAB_NODES, node
from memcollect.compare.values import pod_values
from memcollect.documents.snapshot import Pod, Snapshot, Term
from memcollect.documents.summaries import restored
from memcollect.explain import explain, explain_pod
from memcollect.explain.reduced import reduced
from memcollect.explain.summary import summarise
from memcollect.join.roles import OUTSIDE_TOP
from memcollect.reporters.attention import first_looks
from memcollect.reporters.columns import overview_row
from memcollect_agent.wire import Node
from worlds import builders

A_PODS_BYTES = 2_000
"""60 MB for thirty thousand."""


def written_and_read(pod: Pod, machine: Node | None) -> Pod:
    short = reduced(explain_pod(pod, machine, depth="summary"))
    return restored(msgspec.json.decode(msgspec.json.encode(short), type=Pod))


def bare(terms: list[Term]) -> dict[str, Term]:
    return {each.term: msgspec.structs.replace(each, evidence="") for each in terms}


def check(pod: Pod, machine: Node | None) -> None:
    """Hold what is read of the pod's summary against the pod in full."""
    full, short = explain_pod(pod, machine), written_and_read(pod, machine)
    assert short.verdict == full.verdict
    assert (short.composition is None) == (full.composition is None)
    if short.composition is not None and full.composition is not None:
        assert bare(short.composition.terms) == bare(full.composition.terms)
        assert bare(short.composition.left_out) == bare(full.composition.left_out)
        assert bare(short.composition.beside) == bare(full.composition.beside)
        of_terms = sum(each.estimate_bytes for each in short.composition.terms)
        whole = of_terms + short.composition.residual.estimate_bytes
        assert whole == short.composition.working_set_bytes == full.composition.working_set_bytes
    assert overview_row(short) == overview_row(full)
    known = {name: value for name, value in pod_values(full).items() if isinstance(value, int)}
    assert {name: value for name, value in pod_values(short).items() if isinstance(value, int)} == known
    assert summarise([short], []) == summarise([full], [])
    assert [each.sentence for each in first_looks([short])] == [each.sentence for each in first_looks([full])]
    assert explain_pod(short, machine) == short


@given(snapshots)
@settings(always, max_examples=20)
def test_a_summary_says_what_the_full_depth_says(raw: Snapshot) -> None:
    nodes = {each.name: each for each in raw.nodes}
    for pod in raw.pods:
        check(pod, nodes.get(pod.node or ""))


def test_so_it_does_where_the_only_cgroup_is_one_that_kubectl_top_would_not_count() -> None:
    for role in sorted(OUTSIDE_TOP):
        check(builders.pod(builders.container(role=role), kind="service"), builders.NODE)


@pytest.mark.parametrize("name", [*CLUSTER_NODES, *LAB_NODES])
def test_so_it_does_of_what_real_kernels_said(name: str) -> None:
    snapshot = node(name)
    machines = {each.name: each for each in snapshot.nodes}
    assert snapshot.pods
    for pod in snapshot.pods:
        check(pod, machines.get(pod.node or "") or snapshot.nodes[0])


@pytest.mark.parametrize("name", CLUSTER_NODES)
def test_a_summary_is_a_small_part_of_the_pod(name: str) -> None:
    snapshot = node(name)
    sizes = [len(msgspec.json.encode(reduced(each))) for each in snapshot.pods]
    assert max(sizes) < A_PODS_BYTES


def test_a_document_of_summaries_is_explained_as_it_is() -> None:
    snapshot = node(CLUSTER_NODES[0])
    short = msgspec.structs.replace(
        snapshot, pods=[restored(reduced(each)) for each in snapshot.pods], depth="summary"
    )
    again = explain(short)
    assert again.pods == short.pods
    assert again.summary == snapshot.summary
