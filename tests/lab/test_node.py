"""A node made on purpose, on a real kernel: each holder has what was put there, and every step closes."""

import sys

import msgspec
import pytest

from lab.node_runner import ALONE, ANON, LEFT, LOST, MIB, ORPHAN, OUTSIDE, SERVICE, TMPFS, WEB
from memcollect.documents.snapshot import KnownPod, NodeAccount
from memcollect.explain.node import explain_account
from memcollect.join import NodeKnowledge, account_of
from memcollect.lab import uml
from memcollect.lab.kernels import Kernel
from memcollect.lab.layout import PodSpec
from memcollect_agent.wire import NodeSample

pytestmark = pytest.mark.lab


def tolerance(size: int) -> int:
    return max(4 * MIB, size // 100)


@pytest.fixture(scope="module")
def accounts(kernel: Kernel) -> tuple[NodeAccount, NodeAccount]:
    """Before and after everything grew."""
    lines: list[str] = []
    command = [sys.executable, "-m", "lab.node_runner"]
    guest = uml.Machine(kernel=kernel, command=command, tmpfs=[TMPFS], memory_bytes=768 * MIB)
    outcome = uml.boot(guest, lines.append)
    assert (outcome.exit_code, outcome.errors) == (0, [])
    before, after = (msgspec.json.decode(line, type=NodeSample) for line in lines)
    return explained(before), explained(after)


def explained(sample: NodeSample) -> NodeAccount:
    known = [KnownPod(uid=WEB.uid, namespace=WEB.namespace, name=WEB.name)]
    account = account_of("lab", sample, NodeKnowledge(pods=known, asked_top=False))
    assert account is not None
    return explain_account(account, sample.node)


def held(account: NodeAccount, uid: str) -> int:
    """Return what the pod's cgroup holds."""
    return sum(each.bytes for each in account.holders if uid.replace("-", "_") in each.path)


def term(account: NodeAccount, name: str) -> int:
    """Return a group of holders."""
    assert account.owners is not None
    return sum(each.estimate_bytes for each in account.owners.terms if each.term == name)


@pytest.mark.parametrize(("spec", "size", "kind"), [(WEB, ANON, "pod"), (LOST, ORPHAN, "orphan")])
def test_a_pod_holds_what_it_took_whether_or_not_the_api_knows_it(
    accounts: tuple[NodeAccount, NodeAccount], spec: PodSpec, size: int, kind: str
) -> None:
    before, after = (held(account, spec.uid) for account in accounts)

    assert after - before == pytest.approx(size, abs=tolerance(size))
    assert {each.kind for each in accounts[1].holders if spec.uid.replace("-", "_") in each.path} == {kind}


@pytest.mark.parametrize(
    ("name", "size"),
    [("services", SERVICE), ("outside_containers", OUTSIDE), ("left_by_pods", LEFT), ("root_own", ALONE)],
)
def test_each_other_holder_has_what_was_put_there(
    accounts: tuple[NodeAccount, NodeAccount], name: str, size: int
) -> None:
    before, after = (term(account, name) for account in accounts)

    assert after - before == pytest.approx(size, abs=tolerance(size))


def test_the_whole_is_memtotal_with_a_residual_within_its_bound(
    accounts: tuple[NodeAccount, NodeAccount],
) -> None:
    for account in accounts:
        for partition in (account.owners, account.kinds):
            assert partition is not None
            assert partition.undecided == []
            assert partition.residual.within_bound, partition.residual


def test_every_step_of_the_ladder_closes(accounts: tuple[NodeAccount, NodeAccount]) -> None:
    for account in accounts:
        assert account.ladder is not None
        assert [step.closed for step in account.ladder.steps] == [True] * 3


def test_what_was_left_is_told_with_its_kind_and_the_orphan_first(
    accounts: tuple[NodeAccount, NodeAccount],
) -> None:
    _, after = accounts
    (left,) = [each for each in after.holders if each.kind == "left" and each.bytes > 4 * MIB]
    assert left.shmem_bytes == pytest.approx(LEFT, abs=MIB)
    assert "API server does not know" in after.verdict
