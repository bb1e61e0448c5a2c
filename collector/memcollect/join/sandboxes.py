"""Sandboxes that a node's scan found and no Pod claims, as rows of their own. Pure."""

from __future__ import annotations

from memcollect.documents.snapshot import Container, Pod
from memcollect.join.recognise import runtime_on_node
from memcollect_agent import wire


def sandbox_rows(sample: wire.NodeSample, node: str | None) -> list[Pod]:
    """Return a row for each sandbox without a Pod; none where the agent was not asked to look."""
    return [_row(each, node or sample.node.name) for each in sample.pods if each.kind == "sandbox"]


def _row(found: wire.Pod, node: str) -> Pod:
    return Pod(
        uid=found.uid,
        name=found.name or found.uid,
        kind=found.kind,
        node=node,
        runtime=runtime_on_node(found),
        cgroup=found.cgroup,
        own_sums=found.own_sums,
        containers=[
            Container(
                name=found.name or found.uid,
                id=each.id,
                role=each.role,
                cgroup=each.cgroup,
                sums=each.sums,
                processes=each.processes,
                hints=each.hints,
            )
            for each in found.containers
        ],
    )
