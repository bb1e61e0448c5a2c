"""Whether every pod's cgroup belongs to a pod."""

from __future__ import annotations

import shlex

from memcollect.doctor.facts import ClusterFacts, Fault, answered
from memcollect.doctor.result import Finding, Item
from memcollect.doctor.wording import count, few
from memcollect.units import human_bytes


def known(facts: ClusterFacts) -> Finding:
    """Pods' cgroups of the nodes that answered, against the pods that the API server puts there."""
    seen = facts.pod_cgroups
    if isinstance(seen, Fault):
        sentence = f"Whether pods that are gone left cgroups behind cannot be told: {seen.sentence}"
        return Finding(status="warn", sentence=sentence, remedy=seen.remedy)
    seen = answered(seen)
    if not seen.nodes:
        sentence = "No agent tells of whole nodes: they are too old."
        return Finding(status="warn", sentence=sentence, remedy="Upgrade the agents (deploy/).")
    if not seen.orphans:
        checked = count(len(seen.nodes), "node")
        return Finding(
            status="ok", sentence=f"every pod's cgroup on {checked} is of a pod the API server knows."
        )
    nodes = list(dict.fromkeys(each.node for each in seen.orphans))
    total = human_bytes(sum(each.charge_bytes or 0 for each in seen.orphans))
    return Finding(
        status="warn",
        sentence=f"{count(len(seen.orphans), 'cgroup')} of pods on {few(nodes)}, with {total}, of which the"
        " API server knows no pod: left behind, or deleted just now.",
        remedy="If they stay: see what they hold and what lives in them; the kubelet's log may say why:",
        commands=tuple(f"memcollect node {shlex.quote(node)}" for node in nodes[:3]),
        items=[
            Item(name=f"{each.node} {each.uid}", status="warn", detail=human_bytes(each.charge_bytes or 0))
            for each in seen.orphans
        ],
    )
