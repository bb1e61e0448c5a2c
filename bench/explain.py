"""What the collector's pure middle costs, in one process: CPU per pod, stage by stage.

    python bench/explain.py [--nodes 60] [--pods 30] [--rounds 3] [--profile] [--depth summary]

The same answers and objects as collector.py's, without any network: an agent's bytes are decoded, joined
with the pods of its node, explained, and written as JSON. Of several rounds the quickest is shown, for
whatever else the machine does can only add. `--profile` prints where explaining spends its time.
"""

import argparse
import cProfile
import pstats
import time
from contextlib import nullcontext
from typing import Any

import msgspec
import simulated

from memcollect.documents.snapshot import Depth
from memcollect.explain import explain_pod
from memcollect.explain.reduced import reduced
from memcollect.join import ClusterFacts, join_node
from memcollect.kubernetes.objects import Page, Pod
from memcollect.kubernetes.usage import Metrics, PodUsage, Usage
from memcollect_agent.wire import NodeSample

STAGES = ("decode", "join", "explain", "encode")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--nodes", type=int, default=60)
    parser.add_argument("--pods", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--depth", choices=["full", "summary"], default="full")
    options = parser.parse_args()
    now = time.time()
    template = simulated.answer_template(options.pods, now)
    by_node = made_pods(options.nodes, options.pods)
    facts = ClusterFacts(metrics=made_metrics(by_node, simulated.working_set_bytes(template), now))
    profile = cProfile.Profile() if options.profile else None
    rounds = [_round(template, by_node, facts, profile, options.depth) for _ in range(options.rounds)]
    _print([min(each[stage] for each in rounds) for stage in range(len(STAGES))], options)
    if profile is not None:
        stats = pstats.Stats(profile)
        stats.sort_stats("tottime").print_stats(40)
        calls = stats.total_calls / (options.nodes * options.pods * options.rounds)
        print(f"{calls:.0f} calls of functions a pod: as many on any machine, however busy")


def _round(
    template: bytes,
    by_node: list[list[Pod]],
    facts: ClusterFacts,
    profile: cProfile.Profile | None,
    depth: Depth,
) -> list[float]:
    """Return the CPU seconds of each stage over all nodes."""
    spent = [0.0] * len(STAGES)
    for node, pods in enumerate(by_node):
        answer = simulated.answer_of(template, node)
        times = [time.process_time()]
        sample = msgspec.msgpack.decode(answer, type=NodeSample)
        times.append(time.process_time())
        joined = join_node(pods[0].spec.node_name, pods, sample, facts)
        times.append(time.process_time())
        with profile or nullcontext():
            explained = [explain_pod(pod, joined.node, depth=depth) for pod in joined.pods]
        times.append(time.process_time())
        for pod in explained:
            msgspec.json.encode(pod if depth == "full" else reduced(pod))
        times.append(time.process_time())
        spent = [sum_ + end - begin for sum_, begin, end in zip(spent, times, times[1:], strict=False)]
    return spent


def made_pods(nodes: int, pods: int) -> list[list[Pod]]:
    """Return every node's pods, decoded as the collector decodes them."""
    items = list(simulated.pod_objects(nodes, pods))
    page = msgspec.json.decode(_body(items), type=Page[Pod])
    decoded = page.items or []
    return [decoded[node * pods : (node + 1) * pods] for node in range(nodes)]


def _body(items: list[dict[str, Any]]) -> bytes:
    return msgspec.json.encode({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})


def made_metrics(by_node: list[list[Pod]], working_set_bytes: int, now: float) -> Metrics:
    """Return kubectl top's numbers, as metrics-server would have sampled them some seconds ago."""
    usages = [
        PodUsage(
            namespace=pod.metadata.namespace,
            name=pod.metadata.name,
            timestamp=simulated.sampled_at(now),
            containers=[
                Usage(name=container.name, memory_bytes=working_set_bytes, cpu_nanocores=1_000_000)
                for container in pod.spec.containers
            ],
        )
        for pods in by_node
        for pod in pods
    ]
    return Metrics(pods={(each.namespace, each.name): each for each in usages})


def _print(spent: list[float], options: argparse.Namespace) -> None:
    pods = options.nodes * options.pods
    print(f"{options.nodes} nodes x {options.pods} pods, ms of CPU per pod:")
    for stage, seconds in zip((*STAGES, "together"), (*spent, sum(spent)), strict=True):
        print(f"  {stage:<10}{seconds * 1e3 / pods:>8.3f}")


if __name__ == "__main__":
    main()
