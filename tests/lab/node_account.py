"""What is said of a node that was made on purpose: how its account is had, and how it is looked at."""

from lab.node_runner import MIB, WEB
from memcollect.documents.snapshot import KnownPod, NodeAccount, Residual, Undecided
from memcollect.explain.node import explain_account
from memcollect.join import NodeKnowledge, account_of
from memcollect.lab.layout import PodSpec
from memcollect_agent.wire import NodeSample

Accounts = tuple[NodeAccount, NodeAccount]
"""Before and after everything grew."""


def tolerance(size: int) -> int:
    return max(4 * MIB, size // 100)


def explained(sample: NodeSample, *specs: PodSpec) -> NodeAccount:
    """Return the account of a node of which the API server knows "web" and these pods."""
    known = [KnownPod(uid=each.uid, namespace=each.namespace, name=each.name) for each in (WEB, *specs)]
    account = account_of("lab", sample, NodeKnowledge(pods=known, asked_top=False))
    assert account is not None
    return explain_account(account, sample.node)


def held(account: NodeAccount, name: str) -> int:
    """Return what the cgroup holds that has a pod's UID, or a service's name, in its path."""
    return sum(each.bytes for each in account.holders if name.replace("-", "_") in each.path)


def term(account: NodeAccount, name: str) -> int:
    """Return a group of holders, or a kind of use."""
    assert account.owners is not None
    assert account.kinds is not None
    by_holder = [each.estimate_bytes for each in account.owners.terms if each.term == name]
    by_use = [each.estimate_bytes for each in account.kinds.terms if each.term == name]
    return sum(by_holder or by_use)


def unsettled(account: NodeAccount) -> list[Undecided | Residual]:
    """Return what is undecided of MemTotal, and residuals beyond their bounds."""
    found: list[Undecided | Residual] = []
    for partition in (account.owners, account.kinds):
        assert partition is not None
        found += partition.undecided
        found += [] if partition.residual.within_bound else [partition.residual]
    return found
