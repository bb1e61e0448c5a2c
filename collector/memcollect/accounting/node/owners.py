"""Who holds a node's memory: terms and residual sum to MemTotal. Pure.

    MemTotal = free + Σ charges of the top cgroups + user pages charged to the root alone
               + kernel memory charged to nobody + hugetlb pool + residual

The charges of the top cgroups are those of their holders (memcollect.accounting.node.holders), so each group
of holders is a term.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from memcollect.accounting.facts import Facts, MissingFactError, counted_kernel_bytes
from memcollect.accounting.interval import Interval
from memcollect.accounting.node import kinds
from memcollect.accounting.node.holders import top_level
from memcollect.accounting.rules import (
    STALE_PAGES,
    STOCK_PAGES,
    Amount,
    Bound,
    TermRule,
    bounded,
    evaluate,
    lag_bytes,
    measured,
    residual_of,
)
from memcollect.documents.snapshot import Holder, NodeAccount, Partition
from memcollect.units import human_bytes
from memcollect_agent import pods
from memcollect_agent.wire import CgroupUse

STOCK_SLOTS = 7
"""NR_MEMCG_STOCK (mm/memcontrol.c, 6.16): for how many cgroups a CPU may charge in advance; before, one."""
UNREAD = "some cgroups were not read, and what they hold would be counted here"
GROUPS = {
    "pods": ("pod", "unnamed"),
    "orphan_pods": ("orphan",),
    "services": ("service",),
    "outside_containers": ("container",),
    "other_cgroups": ("slice",),
}
"""Terms that are sums over holders, and the kinds of holder in each."""


def owners(account: NodeAccount, holders: Sequence[Holder], facts: Facts) -> Partition:
    """Return MemTotal by who holds it. Raises MissingFactError where MemTotal itself is not known."""
    whole = facts["meminfo.MemTotal"]
    tops = top_level(account.tree.cgroups)
    unread = pods.has_unread(account.tree)
    complete = not unread and all(use.current_bytes is not None for use in tops)
    reasons = {"tops": UNREAD if account.tree.left_out else "a cgroup at the top has no memory.stat"}
    facts = facts.extended({} if account.tree.left_out else _totals(tops), reasons)
    rules = [
        TermRule("free", kinds.free, "yes"),
        *(TermRule(term, _sum_of(holders, members)) for term, members in GROUPS.items()),
        TermRule("left_by_pods", _unknown if unread else _left(holders), None),
        TermRule("root_own", root_own, None),
        TermRule("kernel_uncharged", kernel_uncharged, "no"),
        TermRule("hugetlb", kinds.hugetlb, "no"),
    ]
    terms, undecided = evaluate(rules, facts)
    residual = residual_of(whole, terms, bound(facts, complete=complete))
    return Partition(whole_bytes=whole, terms=terms, residual=residual, undecided=undecided)


def _totals(tops: Sequence[CgroupUse]) -> dict[str, int]:
    values: dict[str, int] = {}
    if all("anon" in use.stat and "file" in use.stat for use in tops):
        values["tops.user"] = sum(use.stat["anon"] + use.stat["file"] for use in tops)
        values["tops.kernel"] = sum(counted_kernel_bytes(use.stat) + use.stat.get("sock", 0) for use in tops)
    return values


def _sum_of(holders: Sequence[Holder], kinds_of: Sequence[str]) -> Callable[[Facts], Amount]:
    members = [each for each in holders if each.kind in kinds_of]
    total = sum(each.bytes for each in members)

    def amount(_: Facts) -> Amount:
        return measured(total, f"Σ memory.current of {len(members)}")

    return amount


def _left(holders: Sequence[Holder]) -> Callable[[Facts], Amount]:
    members = [each for each in holders if each.kind == "left"]
    total = sum(each.bytes for each in members)
    dying = max((each.dying_cgroups or 0 for each in members), default=0)

    def amount(_: Facts) -> Amount:
        return measured(
            total, f"memory.current of what holds pods − Σ of its pods; nr_dying_descendants {dying}"
        )

    return amount


def _unknown(_: Facts) -> Amount:
    raise MissingFactError("rests", UNREAD)


def root_own(facts: Facts) -> Amount:
    """Return user pages that are charged to the root cgroup and to none below it.

    Of processes that live in the root itself, and what cgroups at the top left when they were removed.
    """
    held, below = facts["root_held"], facts["tops.user"]
    return measured(held - below, f"root anon + file {held} − Σ of the cgroups at the top {below}")


def kernel_uncharged(facts: Facts) -> Amount:
    """Return kernel memory that is charged to no cgroup: most of the kernel's own is not."""
    whole, charged = facts[kinds.kernel_memory].interval, facts["tops.kernel"]
    return bounded(
        whole - Interval.exactly(charged),
        f"kernel memory {whole.estimate} − what cgroups are charged for (kernel, sock) {charged}",
    )


def bound(facts: Facts, *, complete: bool) -> Bound:
    """Return what may lie between charges and counters: stock of every cgroup, and counters that lag."""
    stock, stale = lag_bytes(facts, STOCK_PAGES) * STOCK_SLOTS, lag_bytes(facts, STALE_PAGES)
    moved = facts["moved"]
    reason = (
        f"at most {human_bytes(stock)} charged in advance, ±{human_bytes(stale)} of counters not yet flushed,"
        f" {human_bytes(moved)} that moved meanwhile"
    )
    if not complete:
        reason += "; some cgroups were not read, and what they hold is in the residual"
    return Bound(Interval.of(-stale - moved - stock, stale + moved + stock, 0), reason)
