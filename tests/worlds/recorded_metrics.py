"""A recorded node as a Prometheus sees it: its agent, its pods in kube-state-metrics, its kubelet's own page.

They are of the same moment, so our working set and the kubelet's must be equal.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from worlds.agent_trees import FIXTURES, recorded
from worlds.metrics_stage import RULES, kube_state_metrics, metered_agent, static_pages, without_times

CONDITION = "systemd-kernel-7.2"
API = FIXTURES / CONDITION / "api"
PODS = [
    ("deer-flow", "sandbox-a"),
    ("deer-flow", "sandbox-b"),
    ("deer-flow", "sandbox-c"),
    ("kube-system", "probe-pf5nk"),
]


@contextlib.contextmanager
def targets_of_node(*options: str) -> Iterator[Mapping[str, tuple[int, str]]]:
    """Run an agent with these options; yield what to scrape, by job: a port and a path."""
    pods = json.loads((API / "pods.json").read_text())["items"]
    kubelet = without_times((API / "metrics-resource.txt").read_text())
    pages = {"/pods": kube_state_metrics(pods), "/kubelet": kubelet}
    with metered_agent(recorded(CONDITION), *options) as agent, static_pages(pages) as others:
        yield {"memcollect": (agent, "/metrics"), "ksm": (others, "/pods"), "kubelet": (others, "/kubelet")}


def rules_here() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def by_pod(found: list[tuple[dict[str, str], float]]) -> dict[tuple[str, str], float]:
    return {(labels["namespace"], labels["pod"]): number for labels, number in found}
