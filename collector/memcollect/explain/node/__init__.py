"""From a raw account of a node to an explained one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from memcollect.accounting.facts import Facts, MissingFactError
from memcollect.accounting.node.eviction import eviction
from memcollect.accounting.node.facts import node_facts
from memcollect.accounting.node.holders import holders_of
from memcollect.accounting.node.kinds import kinds
from memcollect.accounting.node.ladder import node_ladder
from memcollect.accounting.node.owners import owners
from memcollect.documents.snapshot import Holder, NodeAccount, Partition, Undecided
from memcollect.explain.engine import find
from memcollect.explain.node.findings import rules_for_node
from memcollect.explain.node.verdict import pronounce
from memcollect_agent.wire import Node


def explain_account(account: NodeAccount, node: Node | None) -> NodeAccount:
    """Return the account with everything that is derived made anew; `node` has the machine's facts."""
    facts = node_facts(account, node)
    holders = holders_of(account)
    by_use, by_holder = _partitions(account, holders, facts)
    standing = eviction(account, holders, facts)
    findings, undecided = find(rules_for_node(holders, standing), "node", facts)
    told = msgspec.structs.replace(
        account,
        kinds=by_use,
        owners=by_holder,
        holders=holders,
        ladder=node_ladder(facts, account.top),
        eviction=standing,
        findings=findings,
        undecided=undecided + _pods_unknown(account),
    )
    return msgspec.structs.replace(told, verdict=pronounce(told, facts))


def explain_accounts(accounts: Iterable[NodeAccount], nodes: Iterable[Node]) -> list[NodeAccount]:
    """Return the accounts, explained, each by its node of the same name."""
    by_name = {node.name: node for node in nodes}
    return [explain_account(account, by_name.get(account.node)) for account in accounts]


def _partitions(
    account: NodeAccount, holders: Sequence[Holder], facts: Facts
) -> tuple[Partition | None, Partition | None]:
    try:
        return kinds(facts), owners(account, holders, facts)
    except MissingFactError:
        return None, None


def _pods_unknown(account: NodeAccount) -> list[Undecided]:
    if account.known_pods is not None:
        return []
    reason = account.pods_unknown or "the API server was not asked"
    return [Undecided(name="orphan_pods", missing="known_pods", reason=reason)]
