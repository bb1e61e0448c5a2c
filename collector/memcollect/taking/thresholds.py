"""At what memory a kubelet evicts: from itself where it may be asked, else from what its agent read."""

from __future__ import annotations

from dataclasses import replace

from memcollect.join import NodeKnowledge
from memcollect.sources.kubelet_settings import thresholds
from memcollect_agent.wire import CgroupTree


def with_kubelet(knowledge: NodeKnowledge, tree: CgroupTree) -> NodeKnowledge:
    """Return it with the thresholds that the agent read on the node, where the kubelet itself told none."""
    if knowledge.thresholds is not None:
        return knowledge
    found = thresholds(tree.kubelet, (tree.meminfo or {}).get("MemTotal"))
    if isinstance(found, str):
        reasons = [found, *([knowledge.thresholds_unknown] if knowledge.thresholds_unknown else [])]
        return replace(knowledge, thresholds_unknown="; ".join(reasons))
    return replace(knowledge, thresholds=found, thresholds_unknown="")
