"""The stand-in API server of a made-up cluster, in a process of its own so that its cost is not ours.

    python simulated_api.py --nodes 1000 --pods 30 --agents-port PORT --kubeconfig FILE …

Prints its address, and serves until its input ends.
"""

import argparse
import sys
import time
from pathlib import Path

import simulated

from memcollect.testing import POD_METRICS, PODS, Cluster, StandInCluster, objects
from memcollect_agent.wire import DEFAULT_PORT


def main() -> None:
    """Serve until the input ends."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--nodes", type=int, required=True)
    parser.add_argument("--pods", type=int, required=True)
    parser.add_argument("--agents-port", type=int, action="append", required=True)
    parser.add_argument("--working-set", type=int, required=True)
    parser.add_argument("--now", type=float, help="of the metrics sample; without it when all pods are there")
    parser.add_argument("--kubeconfig", type=Path, required=True)
    options = parser.parse_args()
    with StandInCluster(_cluster(options)) as server:
        server.kubeconfig(options.kubeconfig)
        print(server.url, flush=True)
        sys.stdin.read()


def _cluster(options: argparse.Namespace) -> Cluster:
    cluster = Cluster()
    usages = {}
    for pod in simulated.pod_objects(options.nodes, options.pods):
        cluster.put(PODS, pod)
        names = pod["metadata"]["namespace"], pod["metadata"]["name"]
        usages[names] = {each["name"]: options.working_set for each in pod["spec"]["containers"]}
    sampled = simulated.timestamp(options.now or time.time())
    for (namespace, name), usage in usages.items():
        cluster.put(POD_METRICS, objects.pod_metrics(namespace, name, sampled, usage))
    for node in range(options.nodes):
        where = simulated.AGENT_NAMESPACE, simulated.agent_name(node), DEFAULT_PORT
        cluster.forward(*where, ("127.0.0.1", options.agents_port[node % len(options.agents_port)]))
    return cluster


if __name__ == "__main__":
    main()
