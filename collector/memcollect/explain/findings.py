"""Which causes are looked for in a container's cgroup and in a pod's own: one rule per cause, as data. Pure.

Amounts come from the very functions that the composition and the ladder use, so that a finding and a
term of the same name can never disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from memcollect.documents.snapshot import Depth, Pod
from memcollect.explain.causes.beside import BESIDE_RULES
from memcollect.explain.causes.kernel import KERNEL_RULES
from memcollect.explain.causes.mapped import MAPPED_RULES
from memcollect.explain.causes.pods import POD_RULES
from memcollect.explain.causes.user_memory import user_memory_rules
from memcollect.explain.engine import AmountRule, Rule
from memcollect.explain.holder import Holder
from memcollect.explain.limits import limit_rules
from memcollect.explain.slowed import SLOWED_RULES


@lru_cache
def rules_for_container(holder: Holder, depth: Depth = "full") -> Sequence[Rule]:
    """Return the rules that apply to one container's cgroup; in summary without words that nobody is told."""
    amounts = (*user_memory_rules(holder), *KERNEL_RULES, *MAPPED_RULES, *BESIDE_RULES)
    return _with_states(holder, amounts, depth)


def rules_for_pod(pod: Pod, holder: Holder, depth: Depth = "full") -> Sequence[Rule]:
    """Return the rules that apply to the pod's own cgroup; none for a unit outside Kubernetes."""
    return _of_pods(holder, depth) if pod.kind == "pod" else ()


@lru_cache
def _of_pods(holder: Holder, depth: Depth) -> Sequence[Rule]:
    return _with_states(holder, POD_RULES, depth)


def _with_states(holder: Holder, amounts: Sequence[AmountRule], depth: Depth) -> Sequence[Rule]:
    told = amounts if depth == "full" else [rule.in_brief() for rule in amounts]
    return (*limit_rules(holder), *SLOWED_RULES, *told)
