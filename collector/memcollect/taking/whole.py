"""A snapshot of a cluster in one piece, for other programs: the command hands its pods on one by one."""

from __future__ import annotations

import warnings

from memcollect.documents.moment import now_text
from memcollect.documents.snapshot import Scope, Snapshot, Tool
from memcollect.explain.summary import Totals
from memcollect.services import default_table, with_services
from memcollect.sources.agents import Limits
from memcollect.sources.api import Api
from memcollect.sources.descriptors import most_workers
from memcollect.sources.kube_config import Cluster, connect
from memcollect.sources.pods import Selection
from memcollect.sources.portforward import port_forwarding
from memcollect.taking.asked import ClusterRequest
from memcollect.taking.cluster import Collection, Plan
from memcollect_agent import __version__


def whole_cluster(request: ClusterRequest, sample: str) -> Snapshot:
    """Measure the pods and return the explained snapshot.

    Raises a ClusterError where the cluster cannot be asked, and UsageError for names that cannot be.
    """
    plan = Plan(
        selection=Selection(namespaces=request.namespaces, selector=request.selector, names=request.names),
        process_limit=request.process_limit,
        mappings=request.mappings,
        limits=Limits(concurrency=min(Limits().concurrency, most_workers()), timeout=request.seconds),
    )
    captured_at = now_text()
    cluster = _connected(request)
    totals = Totals()
    with Api(cluster) as api:
        collection = Collection(api, plan, port_forwarding(cluster))
        pods = []
        for pod in collection.pods():
            totals.add(pod)
            pods.append(with_services(pod, default_table()))
    return Snapshot(
        tool=Tool(version=__version__),
        sample=sample,
        captured_at=captured_at,
        finished_at=now_text(),
        mode="cluster",
        cluster=cluster.context or "",
        scope=Scope(
            namespaces=None if request.namespaces is None else list(request.namespaces),
            selector=request.selector,
            names=None if request.names is None else list(request.names),
            processes=request.process_limit > 0,
            mappings=request.mappings,
        ),
        pods=sorted(pods, key=lambda pod: (pod.namespace or "", pod.name)),
        nodes=sorted(collection.nodes, key=lambda node: node.name),
        missing=collection.missing,
        summary=totals.summary(collection.nodes),
    )


def _connected(request: ClusterRequest) -> Cluster:
    cluster = connect(request.kubeconfig, request.context)
    if cluster.exposes_credentials:
        warnings.warn(f"the credentials of {cluster.origin} go to {cluster.server} unencrypted", stacklevel=4)
    return cluster
