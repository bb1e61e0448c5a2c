"""What is left of a pod whose numbers contradict each other, so that it spoils nobody else's. Pure."""

from __future__ import annotations

import msgspec

from memcollect.documents.snapshot import Container, Pod

IMPOSSIBLE = (ValueError, ArithmeticError, LookupError, TypeError, RecursionError)
"""What the arithmetic raises on numbers that no kernel writes. Faults of our own look alike, and are kept to
one pod or node in the same way: the sentence holds what was raised."""


def contradiction(error: Exception) -> str:
    """Return what one of IMPOSSIBLE says of the answer that it came of."""
    return f"the agent's numbers cannot all be true ({str(error) or type(error).__name__})"


def without_numbers(pod: Pod, reason: str) -> Pod:
    """Return the pod with everything that Kubernetes says of it, and nothing that the agent said."""
    return msgspec.structs.replace(
        pod,
        cgroup=None,
        own_sums=None,
        own_hints=[],
        outside=[],
        containers=[_bare(each) for each in pod.containers],
        unmeasured=reason,
    )


def _bare(container: Container) -> Container:
    return msgspec.structs.replace(
        container,
        cgroup=None,
        sums=None,
        processes=[],
        hints=[],
        services=[],
        private=[],
        ladder=None,
        composition=None,
    )
