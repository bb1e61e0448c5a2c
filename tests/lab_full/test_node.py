"""A node made on purpose, on a distribution's kernel: each holder and kind has what was put there."""

import pytest

from lab.node_account import Accounts, held, term, tolerance, unsettled
from lab.node_runner import ALONE, ANON, LEFT, LOST, ORPHAN, OUTSIDE, SERVICE, SERVICE_NAME, WEB
from lab_full.node import FULL, MAP, POOL, RESIDENT, SWAPPED
from memcollect.lab.layout import PodSpec
from memcollect_agent.wire import Cgroup, NodeSample

pytestmark = pytest.mark.lab_full


@pytest.mark.parametrize(
    ("spec", "size", "kind"), [(WEB, ANON, "pod"), (LOST, ORPHAN, "orphan"), (FULL, RESIDENT, "pod")]
)
def test_a_pod_holds_what_it_took_and_not_what_was_swapped_out(
    node_accounts: Accounts, spec: PodSpec, size: int, kind: str
) -> None:
    before, after = (held(account, spec.uid) for account in node_accounts)

    assert after - before == pytest.approx(size, abs=tolerance(size))
    assert {each.kind for each in node_accounts[1].holders if spec.uid.replace("-", "_") in each.path} == {
        kind
    }


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("outside_containers", OUTSIDE),
        ("left_by_pods", LEFT),
        ("root_own", ALONE),
        ("vmalloc", MAP),
        ("hugetlb", POOL),
    ],
)
def test_each_other_holder_and_kind_has_what_was_put_there(
    node_accounts: Accounts, name: str, size: int
) -> None:
    before, after = (term(account, name) for account in node_accounts)

    assert after - before == pytest.approx(size, abs=tolerance(size))


def test_the_service_holds_what_was_put_there(node_accounts: Accounts) -> None:
    # Itself, not all services: this node has others, whose cache goes while the pod is made to swap.
    before, after = (held(account, SERVICE_NAME) for account in node_accounts)

    assert after - before == pytest.approx(SERVICE, abs=tolerance(SERVICE))
    assert term(node_accounts[1], "services") >= after


def _swap(sample: NodeSample) -> int:
    """Return what the agent says that the pod has in swap."""
    return _full(sample).swap.current_bytes or 0


def _full(sample: NodeSample) -> Cgroup:
    (pod,) = [each for each in sample.pods if each.uid == FULL.uid]
    return pod.cgroup


def test_a_pod_has_in_swap_alone_what_it_took_beyond_its_memory_high(
    node_samples: tuple[NodeSample, NodeSample],
) -> None:
    # What has been read again is in memory too, until its place is wanted (memory.stat, "swapcached").
    before, after = (_swap(each) - (_full(each).stat or {})["swapcached"] for each in node_samples)

    assert after - before == pytest.approx(SWAPPED, abs=tolerance(SWAPPED))


def test_the_node_has_as_much_in_swap_as_its_pod(
    node_samples: tuple[NodeSample, NodeSample], node_accounts: Accounts
) -> None:
    before, after = (
        sum(each.estimate_bytes or 0 for each in account.findings if each.cause == "node_swap")
        for account in node_accounts
    )
    pods = _swap(node_samples[1]) - _swap(node_samples[0])

    assert after - before == pytest.approx(pods, abs=tolerance(pods))


def test_the_whole_is_memtotal_with_a_residual_within_its_bound(node_accounts: Accounts) -> None:
    assert [unsettled(account) for account in node_accounts] == [[], []]


def test_every_step_of_the_ladder_closes(node_accounts: Accounts) -> None:
    for account in node_accounts:
        assert account.ladder is not None
        assert [step.closed for step in account.ladder.steps] == [True] * 3
