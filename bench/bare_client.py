"""Fetch what a snapshot of the made-up cluster fetches, and do nothing with it: the floor of collector.py.

The same lists by the same connection pool, the same questions to the same agents over the same
port-forwards, as many at once, with history since the same moment. Nothing is decoded but what is needed
to go on to the next page, and the times of kubectl top's samples. Prints the bytes.
"""

import argparse
import gc
import queue
import threading
from datetime import datetime
from pathlib import Path

import msgspec
import node_tree
import simulated

from memcollect.kubernetes.objects import RawPage
from memcollect.sources.agent_http import AgentConversation
from memcollect.sources.agents import SAMPLE_PATH, history_since
from memcollect.sources.api import Api
from memcollect.sources.deadline import Deadline
from memcollect.sources.kube_config import connect
from memcollect.sources.pages import PAGE
from memcollect.sources.portforward import port_forwarding
from memcollect.sources.rights import Right
from memcollect.sources.transport import Endpoint, TransportFactory
from memcollect_agent.wire import DEFAULT_PORT, SampleRequest

METRICS = "/apis/metrics.k8s.io/v1beta1/pods"
LISTS = (
    ("/api/v1/pods", []),
    (METRICS, []),
    (
        f"/api/v1/namespaces/{simulated.AGENT_NAMESPACE}/pods",
        [("labelSelector", "app.kubernetes.io/name=memcollect-agent")],
    ),
)
TIMEOUT = 30.0
_PAGE = msgspec.json.Decoder(RawPage)


class _Sampled(msgspec.Struct):
    timestamp: datetime


class _Metrics(msgspec.Struct):
    items: list[_Sampled]


_METRICS = msgspec.json.Decoder(_Metrics)


def main() -> None:
    """Fetch and count."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--nodes", type=int, required=True)
    parser.add_argument("--pods", type=int, required=True)
    parser.add_argument("--concurrency", type=int, required=True)
    options = parser.parse_args()
    cluster = connect(str(options.kubeconfig))
    with Api(cluster) as api:
        sampled: list[float] = []
        listed = sum(_list(api, path, query, sampled) for path, query in LISTS)
    print(listed, _ask_all(port_forwarding(cluster), options, history_since(min(sampled))))
    gc.freeze()  # as memcollect ends: without a last look for garbage among all modules


def _list(api: Api, path: str, query: list[tuple[str, str]], sampled: list[float]) -> int:
    size, token = 0, ""
    while True:
        more = [("continue", token)] if token else []
        body = api.get(path, Right("list", "pods"), [*query, ("limit", str(PAGE)), *more])
        size += len(body)
        if path == METRICS:
            sampled += [each.timestamp.timestamp() for each in _METRICS.decode(body).items]
        token = _PAGE.decode(body).metadata.continue_
        if not token:
            return size


def _ask_all(transports: TransportFactory, options: argparse.Namespace, since: float | None) -> int:
    nodes: queue.SimpleQueue[int] = queue.SimpleQueue()
    for node in range(options.nodes):
        nodes.put(node)
    sizes: list[int] = []

    def work() -> None:
        transport = transports()
        try:
            while True:
                node = nodes.get_nowait()
                request = SampleRequest(
                    pod_uids=[node_tree.pod_uid(node, pod) for pod in range(options.pods)],
                    history=True,
                    history_since=since,
                )
                endpoint = Endpoint(
                    namespace=simulated.AGENT_NAMESPACE, pod=simulated.agent_name(node), port=DEFAULT_PORT
                )
                with AgentConversation(transport, endpoint, Deadline(TIMEOUT)) as agent:
                    sizes.append(len(agent.fetch("POST", SAMPLE_PATH, request)))
        except queue.Empty:
            transport.close()

    workers = [threading.Thread(target=work) for _ in range(options.concurrency)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if len(sizes) != options.nodes:
        raise SystemExit(f"only {len(sizes)} of {options.nodes} agents answered")
    return sum(sizes)


if __name__ == "__main__":
    main()
