"""A node made on purpose, on a distribution's kernel: each holder and kind has what was put there."""

import pytest

from lab.node_account import Accounts, held, term, tolerance, unsettled
from lab.node_runner import ALONE, ANON, LEFT, LOST, ORPHAN, OUTSIDE, SERVICE, WEB
from lab_full.node import FULL, MAP, POOL, RESIDENT
from memcollect.lab.layout import PodSpec

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
        ("services", SERVICE),
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


def test_the_whole_is_memtotal_with_a_residual_within_its_bound(node_accounts: Accounts) -> None:
    assert [unsettled(account) for account in node_accounts] == [[], []]


def test_every_step_of_the_ladder_closes(node_accounts: Accounts) -> None:
    for account in node_accounts:
        assert account.ladder is not None
        assert [step.closed for step in account.ladder.steps] == [True] * 3
