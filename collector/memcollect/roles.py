"""Which of a pod's cgroups kubectl top adds up. Pure."""

from memcollect.model import Container, Pod

OUTSIDE_TOP = frozenset({"pause", "sandbox", "overhead", "conmon", "unknown"})
"""Roles that cAdvisor's container metrics, and so kubectl top, do not count."""


def app_containers(pod: Pod) -> list[Container]:
    """Return the containers that kubectl top adds up."""
    return [container for container in pod.containers if container.role not in OUTSIDE_TOP]
