"""Whether there is anything to measure."""

from __future__ import annotations

from memcollect.doctor.facts import ClusterFacts, Fault, PodsSeen, answered
from memcollect.doctor.result import Finding
from memcollect.doctor.wording import count


def present(facts: ClusterFacts) -> Finding:
    """Whether pods run in the chosen namespaces. To Kubernetes, one that does not exist is merely empty."""
    pods = facts.pods
    place = facts.question.place
    if isinstance(pods, Fault):
        return Finding(status="fail", sentence=pods.sentence, remedy=pods.remedy)
    pods = answered(pods)
    if not pods.running:
        return Finding(
            status="warn",
            sentence=_idle(pods, place),
            remedy="Choose namespaces with -n, or all with -A; these have pods:",
            commands=(facts.question.kubectl("get pods -A"),),
        )
    least = "at least " if pods.more else ""
    return Finding(status="ok", sentence=f"{least}{count(pods.running, 'pod')} running in {place}.")


def _idle(pods: PodsSeen, place: str) -> str:
    if not pods.count:
        return f"There is no pod in {place}: nothing to measure."
    first = "the first " if pods.more else ""
    return f"No pod runs in {place}, of {first}{pods.count} there: nothing to measure."
