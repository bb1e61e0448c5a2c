"""Which cluster, and whether it answers."""

from __future__ import annotations

from memcollect.doctor.facts import ClusterFacts, Fault, answered
from memcollect.doctor.result import Finding
from memcollect.doctor.wording import seconds
from memcollect.sources.plain import plain

SLOW_SECONDS = 1.0


def kubeconfig(facts: ClusterFacts) -> Finding:
    """Whether the settings name a cluster and credentials."""
    connected = facts.connected
    if isinstance(connected, Fault):
        return Finding(
            status="fail",
            sentence=connected.sentence,
            remedy=connected.remedy,
            commands=("kubectl config get-contexts",),
        )
    connected = answered(connected)
    context = f"context {plain(connected.context)} of " if connected.context else ""
    return Finding(status="ok", sentence=f"{context}{plain(connected.origin)}, server {connected.server}.")


def reachable(facts: ClusterFacts) -> Finding:
    """Whether the API server answers, in what time, and of which version it is."""
    reached = facts.reached
    if isinstance(reached, Fault):
        return Finding(
            status="fail",
            sentence=reached.sentence,
            remedy=reached.remedy,
            commands=(facts.question.kubectl("cluster-info"),),
        )
    reached = answered(reached)
    version = plain(reached.version.git_version, 40) or "of no known version"
    took = seconds(reached.seconds)
    if reached.seconds > SLOW_SECONDS:
        return Finding(
            status="warn",
            sentence=f"Kubernetes {version} answers, but takes {took} to say its version.",
            remedy="Look for the cause in the network between, or in the API server:",
            commands=(facts.question.kubectl("get --raw '/readyz?verbose'"),),
        )
    return Finding(status="ok", sentence=f"Kubernetes {version} answers in {took}.")
