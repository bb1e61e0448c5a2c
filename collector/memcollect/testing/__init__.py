"""Test doubles for programs that talk to a Kubernetes cluster.

`StandInCluster` is a small API server: discovery, pods, services, nodes, namespaces, runtime classes, daemon
sets, the metrics API, access reviews, port-forwards to real sockets on the loopback, over WebSocket as the
official Python client and kubectl speak them, and exec in real processes (`Cluster.on_exec`). Custom
resources are served once their definition is created, or `Cluster.register` names them; everything stored can
be watched (resource versions, bookmarks, 410 for what is forgotten), replaced, and changed by a merge patch.
It serves a `Cluster`, which a test makes up or loads from a recording, and on which it scripts rights and
faults:

    cluster = Cluster()
    cluster.put(PODS, objects.pod("team", "web-1", node="node-1"))
    cluster.forward("team", "web-1", 8080, to=("127.0.0.1", 40001))
    cluster.fault(Fault("/api/v1/pods", status=429, retry_after_seconds=1))
    with StandInCluster(cluster) as server:
        server.kubeconfig("config")
        ...
    assert "/api/v1/pods" in cluster.requests.paths()

Needs the extra `memcollect[testing]`. Not served: other kinds of patch, resources not named above, what is
behind a service's address, and port-forwards as SPDY without a WebSocket (kubectl before 1.30).
"""

from memcollect.testing import objects
from memcollect.testing.access import Access, Attributes, Rule
from memcollect.testing.cluster import Cluster
from memcollect.testing.exec import ExecRefusedError
from memcollect.testing.faults import Fault, StreamFault
from memcollect.testing.request_log import LoggedRequest, RequestLog
from memcollect.testing.resources import (
    DAEMONSETS,
    EVENTS,
    NAMESPACES,
    NODE_METRICS,
    NODES,
    POD_METRICS,
    PODS,
    RUNTIME_CLASSES,
    SERVICES,
    Resource,
)
from memcollect.testing.server import StandInCluster

__all__ = [
    "DAEMONSETS",
    "EVENTS",
    "NAMESPACES",
    "NODES",
    "NODE_METRICS",
    "PODS",
    "POD_METRICS",
    "RUNTIME_CLASSES",
    "SERVICES",
    "Access",
    "Attributes",
    "Cluster",
    "ExecRefusedError",
    "Fault",
    "LoggedRequest",
    "RequestLog",
    "Resource",
    "Rule",
    "StandInCluster",
    "StreamFault",
    "objects",
]
