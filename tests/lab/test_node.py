"""A node made on purpose, on a real kernel: each holder has what was put there, and every step closes."""

import sys

import msgspec
import pytest

from lab.node_account import Accounts, explained, held, term, tolerance, unsettled
from lab.node_runner import ALONE, ANON, LEFT, LOST, MIB, ORPHAN, OUTSIDE, SERVICE, TMPFS, WEB
from memcollect.lab import uml
from memcollect.lab.kernels import Kernel
from memcollect.lab.layout import PodSpec
from memcollect_agent.wire import NodeSample

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def accounts(kernel: Kernel) -> Accounts:
    """Before and after everything grew."""
    lines: list[str] = []
    command = [sys.executable, "-m", "lab.node_runner"]
    guest = uml.Machine(kernel=kernel, command=command, tmpfs=[TMPFS], memory_bytes=768 * MIB)
    outcome = uml.boot(guest, lines.append)
    assert (outcome.exit_code, outcome.errors) == (0, [])
    before, after = (msgspec.json.decode(line, type=NodeSample) for line in lines)
    return explained(before), explained(after)


@pytest.mark.parametrize(("spec", "size", "kind"), [(WEB, ANON, "pod"), (LOST, ORPHAN, "orphan")])
def test_a_pod_holds_what_it_took_whether_or_not_the_api_knows_it(
    accounts: Accounts, spec: PodSpec, size: int, kind: str
) -> None:
    before, after = (held(account, spec.uid) for account in accounts)

    assert after - before == pytest.approx(size, abs=tolerance(size))
    assert {each.kind for each in accounts[1].holders if spec.uid.replace("-", "_") in each.path} == {kind}


@pytest.mark.parametrize(
    ("name", "size"),
    [("services", SERVICE), ("outside_containers", OUTSIDE), ("left_by_pods", LEFT), ("root_own", ALONE)],
)
def test_each_other_holder_has_what_was_put_there(accounts: Accounts, name: str, size: int) -> None:
    before, after = (term(account, name) for account in accounts)

    assert after - before == pytest.approx(size, abs=tolerance(size))


def test_the_whole_is_memtotal_with_a_residual_within_its_bound(
    accounts: Accounts,
) -> None:
    assert [unsettled(account) for account in accounts] == [[], []]


def test_every_step_of_the_ladder_closes(accounts: Accounts) -> None:
    for account in accounts:
        assert account.ladder is not None
        assert [step.closed for step in account.ladder.steps] == [True] * 3


def test_what_was_left_is_told_with_its_kind_and_the_orphan_first(
    accounts: Accounts,
) -> None:
    _, after = accounts
    (left,) = [each for each in after.holders if each.kind == "left" and each.bytes > 4 * MIB]
    assert left.shmem_bytes == pytest.approx(LEFT, abs=MIB)
    assert "API server does not know" in after.verdict
