"""The cgroups above a pod and its containers, whose limits hold for these as their own do. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from memcollect.documents.snapshot import Container, Pod
from memcollect_agent.wire import Cgroup, Node


class Surroundings(NamedTuple):
    """What is around a pod."""

    node: Node | None
    above: Sequence[Cgroup]
    """The cgroups above the pod, the nearest first."""

    def above_container(self, container: Container, pod: Pod) -> Sequence[Cgroup]:
        """Return the cgroups above one of the pod's containers, the nearest first."""
        if (
            container.cgroup is not None
            and pod.cgroup is not None
            and _is_below(container.cgroup, pod.cgroup)
        ):
            return (pod.cgroup, *self.above)
        return cgroups_above(container.cgroup, self.node)


def surroundings_of(pod: Pod, node: Node | None) -> Surroundings:
    """Return what is around a pod, which a container shows where the pod's own cgroup was not read."""
    own = [pod.cgroup, *(each.cgroup for each in pod.containers)]
    return Surroundings(node, cgroups_above(next((each for each in own if each is not None), None), node))


def cgroups_above(cgroup: Cgroup | None, node: Node | None) -> list[Cgroup]:
    """Return the node's cgroups above one, the nearest first."""
    if cgroup is None or node is None:
        return []
    above = [each for each in node.ancestors or () if _is_below(cgroup, each)]
    return sorted(above, key=lambda each: -len(each.path))


def _is_below(cgroup: Cgroup, other: Cgroup) -> bool:
    return cgroup.path.startswith(f"{other.path}/")
