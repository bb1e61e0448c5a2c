"""Waiting until memory has come to rest, by the histories of the agents."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from memcollect.documents.run import Settling
from memcollect.errors import ClusterError
from memcollect.join.series import Series
from memcollect.profile.measuring.settle import judged, largest_change, pod_series, unknown_of
from memcollect.profile.plan.model import Settle
from memcollect.profile.tools import Tools
from memcollect.sources.agent_http import AgentConversation, AgentFailure
from memcollect.sources.agent_pods import AgentPod, Deployment, find_agents
from memcollect.sources.deadline import Deadline
from memcollect.sources.plain import plain
from memcollect.sources.transport import Endpoint
from memcollect_agent.wire import History, HistoryRequest

HISTORY_PATH = "/v1/history"
_ASK_SECONDS = 15.0
_LONGEST_PAUSE = 5.0


class Followed(NamedTuple):
    """A pod whose memory is waited for: what messages call it, and its node."""

    name: str
    node: str


class Histories:
    """Asks the agents of some nodes for their histories, again and again."""

    def __init__(self, tools: Tools, deployment: Deployment) -> None:
        self._tools = tools
        self._deployment = deployment
        self._agents: dict[str, AgentPod] = {}
        self.interval_seconds = 0.0
        """The longest time between two points that an agent has told of."""

    def of(self, pods: Mapping[str, Followed]) -> tuple[dict[str, Series], str]:
        """Return the series of pods by UID, as `pods` are, and why some are missing, where some are."""
        by_node: defaultdict[str, list[str]] = defaultdict(list)
        for uid, pod in pods.items():
            by_node[pod.node].append(uid)
        series: dict[str, Series] = {}
        reason = ""
        for node, uids in by_node.items():
            try:
                history = self._ask(node, uids)
            except (AgentFailure, ClusterError) as error:
                reason = plain(str(error)).rstrip(".")
                self._agents.pop(node, None)
                continue
            self.interval_seconds = max(self.interval_seconds, history.interval_seconds)
            series |= pod_series(history)
        return series, reason

    def _ask(self, node: str, uids: Sequence[str]) -> History:
        agent = self._agents.get(node)
        if agent is None:
            found = find_agents(self._tools.api, lambda _missing: None, [node], self._deployment)
            agent = found.get(node)
            if agent is None or agent.problem:
                why = agent.problem if agent else "there is none"
                raise AgentFailure("no-agent", f"The agent of node {plain(node)} cannot be asked: {why}.")
            self._agents[node] = agent
        endpoint = Endpoint(namespace=agent.namespace, pod=agent.name, port=agent.port, node=node)
        request = HistoryRequest(pod_uids=list(uids))
        with AgentConversation(self._tools.transport, endpoint, Deadline(_ASK_SECONDS)) as conversation:
            return conversation.ask("POST", HISTORY_PATH, History, request)


def wait_until_settled(
    histories: Histories,
    pods: Mapping[str, Followed],
    rule: Settle,
    stopped: Callable[[], bool],
    pause: Callable[[float], None] = time.sleep,
) -> Settling:
    """Return how the working sets of `pods`, by UID, came to rest, or that they did not in time.

    Only points from after this began count: it must have been quiet for the rule's time since.
    """
    names = {uid: pod.name for uid, pod in pods.items()}
    began = time.monotonic()
    step = min(_LONGEST_PAUSE, max(0.2, rule.over / 10))
    while True:
        waited = time.monotonic() - began
        if stopped():
            return judged(rule, None, waited, "interrupted while waiting")
        # A point may be as old as the agents' interval.
        if waited >= rule.over + histories.interval_seconds:
            series, reason = histories.of(pods)
            waited = time.monotonic() - began
            fresh = waited >= rule.over + histories.interval_seconds
            changed = largest_change(series, names, rule.over) if fresh else None
            why = (
                reason or _too_short(rule, histories.interval_seconds) or unknown_of(series, names, rule.over)
            )
            outcome = judged(rule, changed, waited, why)
            if outcome.settled or waited >= rule.at_most or (reason and not series):
                return outcome
        elif waited >= rule.at_most:
            return judged(rule, None, waited, _too_short(rule, histories.interval_seconds))
        pause(min(step, max(0.05, rule.at_most - waited)))


def _too_short(rule: Settle, interval: float) -> str:
    """Return why it could never settle; "" where it could have."""
    if rule.at_most >= rule.over + interval:
        return ""
    return (
        f"settle.at_most ({rule.at_most:g} s) leaves no time beside settle.over ({rule.over:g} s) for the "
        f"agents' interval ({interval:g} s); make it longer"
    )
