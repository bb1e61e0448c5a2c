"""Which of a pod's cgroups kubectl top adds up. Pure."""

from memcollect.documents.snapshot import Container, Pod

OUTSIDE_TOP = frozenset({"pause", "sandbox", "overhead", "conmon", "unknown"})
"""Roles that cAdvisor's container metrics, and so kubectl top, do not count."""
STEPLESS = "pause"
"""The role whose ladder has rungs alone: nearly every pod has one, it is small, and no page shows it."""


def lives_in_guest(pod: Pod) -> bool:
    """Return whether the pod's containers run in a virtual machine, and what is charged for it was measured.

    Such a pod has no working set of its containers, and that is nothing missing.
    """
    charged = pod.cgroup is not None and pod.cgroup.current_bytes is not None
    return pod.composition is None and charged and any(each.inside for each in pod.containers)


def app_containers(pod: Pod) -> list[Container]:
    """Return the containers that kubectl top adds up."""
    return [container for container in pod.containers if container.role not in OUTSIDE_TOP]
