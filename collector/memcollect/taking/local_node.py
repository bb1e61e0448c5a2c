"""This machine's account: the agent runs in this process, and no API server is asked."""

from __future__ import annotations

from dataclasses import dataclass

from memcollect.documents.snapshot import Missing, NodeAccount
from memcollect.errors import UnsupportedError
from memcollect.explain.node import explain_account
from memcollect.join import NodeKnowledge, account_of, missing_of_node
from memcollect.taking.local import as_seen_from
from memcollect.taking.thresholds import with_kubelet
from memcollect_agent.errors import AgentError
from memcollect_agent.measure.sample import Roots, sample_node
from memcollect_agent.wire import Node, SampleRequest

NOT_ASKED = "without Kubernetes' API nobody says which pods there should be"


@dataclass(frozen=True)
class LocalAccount:
    """This machine's account, its facts, and what of it could not be read."""

    account: NodeAccount
    node: Node
    missing: list[Missing]


def measure_account(*, cgroup_root: str, proc_root: str, sys_root: str, host_root: str = "/") -> LocalAccount:
    """Return the account of this machine.

    Raises UnsupportedError where the memory controller is not on cgroup v2, or the tree cannot be read.
    """
    request = SampleRequest(pod_uids=[], sums=False, tree=True)
    try:
        sample = sample_node(request, Roots(cgroup=cgroup_root, proc=proc_root, sys=sys_root))
    except AgentError as error:
        raise UnsupportedError(f"This machine cannot be measured: {error}.") from error
    sample = as_seen_from(host_root, sample)
    knowledge = NodeKnowledge(pods_unknown=NOT_ASKED, asked_top=False)
    if sample.tree is not None:
        knowledge = with_kubelet(knowledge, sample.tree)
    account = account_of(sample.node.name, sample, knowledge)
    if account is None:
        why = "; ".join(problem.detail for problem in sample.problems)
        raise UnsupportedError(f"This machine's cgroups cannot be read: {why}.")
    missing = missing_of_node(sample.problems, [], sample.node.name)
    return LocalAccount(explain_account(account, sample.node), sample.node, missing)
