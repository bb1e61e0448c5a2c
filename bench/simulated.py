"""A made-up cluster of many alike nodes: what an agent of it answers, and the objects its API serves.

One node is written to disk from a recorded pod, and measured by the real agent and its real history;
every other node's answer is the same bytes with its own number in the UIDs and ids.
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import node_tree

from memcollect.sources.agents import history_since
from memcollect_agent.history import Recorder, Settings
from memcollect_agent.history.clocks import Clocks
from memcollect_agent.measure.sample import Roots, sample_node
from memcollect_agent.wire import HistoryRequest, NodeSample, SampleRequest

AGENT_NAMESPACE = "memcollect"
AGENT_LABELS = {"app.kubernetes.io/name": "memcollect-agent"}
HISTORY_POINTS = 25
"""What the agents remember: an answer has those of them that are asked for."""
_MARK = 99_999_999
_RECORDED_PODS = Path(__file__).parents[1] / "tests/fixtures/kubernetes-1.36/pods.json"


def node_name(node: int) -> str:
    """Return the name of a node by its number."""
    return f"node-{node:08d}"


def agent_name(node: int) -> str:
    """Return the name of a node's agent pod."""
    return f"memcollect-agent-{node:08d}"


def answer_template(pods: int, now: float) -> bytes:
    """Return the MessagePack answer of an agent whom the collector asks, to be given a node's number."""
    return answer_templates(pods, now)(history_since(sampled_at(now)))


def answer_templates(pods: int, now: float) -> Callable[[float | None], bytes]:
    """Return what makes an answer for `answer_of` with the history since a moment (None: all of it), once."""
    with tempfile.TemporaryDirectory() as scratch:
        recorded = [
            int(path.name) for path in (node_tree.RECORDED_NODE / "proc").iterdir() if path.name.isdecimal()
        ]
        pids = [pid for pid in sorted(recorded) for _ in range(pods)]
        tree = node_tree.write(Path(scratch) / "cgroup", pids, pods, node=_MARK)
        sample = sample_node(
            SampleRequest(),
            Roots(proc=str(node_tree.RECORDED_NODE / "proc"), cgroup=str(tree)),
            node_name=node_name(_MARK),
        )
        recorder = _recorded_history(tree, now)

    @cache
    def made(since: float | None) -> bytes:
        history = recorder.history(HistoryRequest(since=since))
        return msgspec.msgpack.encode(msgspec.structs.replace(sample, history=history))

    return made


def answer_of(template: bytes, node: int) -> bytes:
    """Return the answer of a node; all numbers have eight digits, so that no length in it changes."""
    return template.replace(b"%08d" % _MARK, b"%08d" % node)


def working_set_bytes(template: bytes) -> int:
    """Return the working set of the app containers, which are all alike."""
    sample = msgspec.msgpack.decode(template, type=NodeSample)
    app = next(child for child in sample.pods[0].containers if child.id == node_tree.container_id(_MARK, 0))
    return (app.cgroup.current_bytes or 0) - (app.cgroup.stat or {})["inactive_file"]


def pod_objects(nodes: int, pods: int) -> Iterator[dict[str, Any]]:
    """Yield every pod of the cluster; the last one of each node is its agent."""
    template = json.loads(_RECORDED_PODS.read_bytes())["items"][0]
    for node in range(nodes):
        for pod in range(pods):
            yield _pod(template, node, pod, is_agent=pod == pods - 1)


def sampled_at(now: float) -> float:
    """Return a metrics sample's time: some seconds ago, in whole seconds."""
    return float(int(now) - 12)


def timestamp(now: float) -> str:
    """Return a metrics sample's time as metrics-server tells it."""
    return datetime.fromtimestamp(sampled_at(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _recorded_history(tree: Path, now: float) -> Recorder:
    wall = [now - 2.0 * HISTORY_POINTS]
    recorder = Recorder(str(tree), Settings(clocks=Clocks(lambda: wall[0], lambda: wall[0])))
    for _ in range(HISTORY_POINTS):
        recorder.tick()
        wall[0] += 2.0
    return recorder


def _pod(template: dict[str, Any], node: int, pod: int, *, is_agent: bool) -> dict[str, Any]:
    made = deepcopy(template)
    metadata, status = made["metadata"], made["status"]
    metadata["namespace"] = AGENT_NAMESPACE if is_agent else f"team-{pod}"
    metadata["name"] = agent_name(node) if is_agent else f"sandbox-{node:08d}-{pod}"
    metadata["uid"] = node_tree.pod_uid(node, pod)
    if is_agent:
        metadata["labels"] = dict(AGENT_LABELS)
    made["spec"]["nodeName"] = node_name(node)
    for container in status["containerStatuses"]:
        container["containerID"] = f"containerd://{node_tree.container_id(node, pod)}"
    return made
