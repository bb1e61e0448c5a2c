"""What keeps an agent from running, told apart by Kubernetes' own words; each with its remedy."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from memcollect.doctor.facts import ClusterFacts
from memcollect.sources.agent_pods import BETWEEN_TRIES, AgentPod
from memcollect.sources.evictions import EVICTED


class Cause(Struct, frozen=True):
    """A kind of hindrance: what it is, and what to do."""

    told: str
    remedy: str
    command: str = "describe pod -n {0} {1}"
    """Of kubectl, with the namespace {0}, the pod {1} and the node {2}."""


_IMAGE = Cause(
    "its image cannot be had",
    "Bring the image to that node, or push it to a registry and name it in deploy/base/kustomization.yaml"
    " (docs/deploy.md):",
)
_CONTAINER = Cause(
    "its container cannot be made",
    "See what the runtime refuses; an image that the node knows by two names does this, too"
    " (docs/deploy.md):",
)
_CRASHES = Cause(
    "it starts and ends again",
    "See what it said before it ended:",
    "logs -n {0} {1} --previous --tail=20",
)
_KILLED = Cause(
    "its memory limit is too low for it",
    "Raise that in deploy/base/daemonset.yaml (resources.limits):",
)
_SHORT = Cause(
    "the node is short of what its taint names",
    "Free what the node ran out of. With priorityClassName: system-node-critical in"
    " deploy/base/daemonset.yaml the kubelet evicts other pods, and lets the agent start meanwhile:",
    "describe node {2}",
)
"""An eviction, or its taint: what pkg/kubelet/eviction spares and admits are critical pods."""
_BY_WORD = {
    **dict.fromkeys(
        ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError"),
        _IMAGE,
    ),
    **dict.fromkeys(
        ("CreateContainerError", "CreateContainerConfigError", "RunContainerError", "StartError"), _CONTAINER
    ),
    BETWEEN_TRIES: _CRASHES,
    "OOMKilled": _KILLED,
    EVICTED: _SHORT,
}
_PLACES = (
    (("/memory-pressure", "/disk-pressure", "/pid-pressure"), _SHORT),
    (
        ("taint",),
        Cause(
            "a taint keeps it away",
            "Let the DaemonSet tolerate the taint (spec.template.spec.tolerations):",
        ),
    ),
    (
        ("Insufficient", "Too many pods"),
        Cause(
            "the node has no room for it",
            "Free some of the node, or ask for less in deploy/base/daemonset.yaml (resources.requests):",
        ),
    ),
)
"""What the scheduler writes (pkg/scheduler/framework/plugins), and what helps."""
_PENDING = Cause("it finds no place on the node", "See what the scheduler says:")
_NOT_MADE = (
    (
        ("exceeded quota",),
        Cause(
            "a quota of its namespace is used up",
            "Raise the quota, or take it away for the agents' namespace:",
            "describe resourcequota -n {0}",
        ),
    ),
    (
        ("PodSecurity",),
        Cause(
            "Pod Security does not admit it",
            "Label the namespace as deploy/base/namespace.yaml does:",
            "get namespace {0} --show-labels",
        ),
    ),
)
"""What admission plugins write into the event of a pod that was not made."""
_REFUSED = Cause("its pod was not made", "See what the API server refuses:", "get events -n {0}")


def cause_of(agent: AgentPod) -> Cause | None:
    """Return what keeps an agent that has a pod; None where Kubernetes says nothing of a known kind."""
    return named_cause(agent) or (_SHORT if agent.eviction is not None else None)


def named_cause(agent: AgentPod) -> Cause | None:
    """Return the kind that the pod's own status names; None where it names none."""
    if agent.waits == "Unschedulable":
        return _worded(_PLACES, agent.said) or _PENDING
    return _BY_WORD.get(agent.waits)


def evicted_from(facts: ClusterFacts, node: str) -> tuple[Cause, str] | None:
    """Return that the agent of a node that has none was evicted, and how; None: nobody says so."""
    eviction = facts.evictions.get(node)
    return (_SHORT, f"the last one was {eviction.told}") if eviction is not None else None


def not_made(facts: ClusterFacts) -> tuple[Cause, str] | None:
    """Return what keeps agents whose pods were not even made, and what is said of it; None: nobody says."""
    if not facts.failed_creations:
        return None
    said = facts.failed_creations[-1]
    return _worded(_NOT_MADE, said) or _REFUSED, said


def _worded(table: Sequence[tuple[tuple[str, ...], Cause]], said: str) -> Cause | None:
    return next((cause for words, cause in table if any(word in said for word in words)), None)
