"""Pods and containers on one side, cgroups on the other, joined into one raw document. Pure.

The join key is the pod's UID (a static pod's config hash) and the container's id, never a name.
"""

from memcollect.join.capture import Capture, missing_from_problem, missing_of_node
from memcollect.join.cluster import ClusterFacts, Failure, NodeJoin, join_node, running_ids
from memcollect.join.containers import NO_CGROUP
from memcollect.join.local import LocalNames, local_snapshot
from memcollect.join.nodes import NodeKnowledge, account_of, unknown_uids
from memcollect.join.states import FINISHED

__all__ = [
    "FINISHED",
    "NO_CGROUP",
    "Capture",
    "ClusterFacts",
    "Failure",
    "LocalNames",
    "NodeJoin",
    "NodeKnowledge",
    "account_of",
    "join_node",
    "local_snapshot",
    "missing_from_problem",
    "missing_of_node",
    "running_ids",
    "unknown_uids",
]
