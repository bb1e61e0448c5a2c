"""What became of an agent that did not answer to the end, as its own pod's status says."""

from collections.abc import Callable

import msgspec

from memcollect.errors import ClusterError
from memcollect.kubernetes.objects import Pod, Terminated
from memcollect.sources.agent_pods import AgentPod, read_agent
from memcollect.sources.agents import Answer
from memcollect.sources.api import Api
from memcollect.sources.deadline import Deadline
from memcollect.sources.plain import plain

BROKE_OFF = frozenset({"broken-answer", "agent-unreachable", "agent-refused"})
"""Reasons of a failure behind which an agent's end may be."""
MOST_ASKED = 20
"""Agents whose pods are looked at in one snapshot."""
PATIENCE_SECONDS = 3.0
"""The kubelet tells of an end about a second late (its pod lifecycle event generator's period)."""
_PAUSE_SECONDS = 0.5


class AgentEnds:
    """Looks at the pods of agents that broke off: a bounded number, and waits for all of them together."""

    def __init__(self, api: Api, sleep: Callable[[float], None]) -> None:
        self._api = api
        self._sleep = sleep
        self._asked = 0
        self._deadline: Deadline | None = None

    def added(self, answer: Answer) -> Answer:
        """Return the answer; one that failed, with what became of its agent where its pod tells."""
        failure = answer.failure
        told = self.told(failure.reason, answer.target.agent) if failure is not None else ""
        if failure is None or not told:
            return answer
        failure = msgspec.structs.replace(failure, reason="agent-ended", detail=told)
        return msgspec.structs.replace(answer, failure=failure)

    def told(self, reason: str, agent: AgentPod | None) -> str:
        """Return how the agent ended, as a sentence with the remedy; "" where it did not, or nobody knows."""
        if agent is None or reason not in BROKE_OFF or self._asked >= MOST_ASKED:
            return ""
        self._asked += 1
        self._deadline = self._deadline or Deadline(PATIENCE_SECONDS)
        while True:
            try:
                told = how_it_ended(agent, read_agent(self._api, agent.namespace, agent.name))
            except ClusterError:
                return ""
            if told or self._deadline.passed:
                return told
            self._sleep(_PAUSE_SECONDS)


def how_it_ended(before: AgentPod, now: Pod | None) -> str:
    """Return how the agent that was listed as `before` ended, by its pod as it is `now`. Pure."""
    who = f"The agent's pod {before.namespace}/{before.name}"
    if now is None or (before.uid and now.cgroup_uid != before.uid):
        return f"{who} was deleted meanwhile: take the snapshot again."
    if now.status.reason == "Evicted":
        said = plain(now.status.message or "the kubelet does not say why").rstrip(".")
        return f"{who} was evicted meanwhile ({said}): see what fills node {plain(before.node)}."
    if now.metadata.deletion_timestamp is not None:
        return f"{who} is being deleted: take the snapshot again."
    end = _end(before, now)
    return "" if end is None else _ended(who, before, end)


def _end(before: AgentPod, now: Pod) -> Terminated | None:
    for status in now.status.container_statuses:
        if status.state.terminated is not None:
            return status.state.terminated
        if status.restart_count > before.restarts:
            return status.last_state.terminated
    return None


def _ended(who: str, agent: AgentPod, end: Terminated) -> str:
    if end.reason == "OOMKilled":
        return (
            f"{who} was OOM-killed while it answered (exit code {end.exit_code}): it needs more than its"
            " memory limit. Raise that in deploy/base/daemonset.yaml, or ask for less at once (without"
            " --include-processes, or with -n)."
        )
    why = f"{plain(end.reason)}, " if end.reason and end.reason != "Error" else ""
    logs = f"kubectl logs -n {agent.namespace} {agent.name} --previous"
    return f"{who} ended while it answered ({why}exit code {end.exit_code}): see `{logs}`."
