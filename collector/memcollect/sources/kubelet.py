"""How the API server says that it cannot reach a node's kubelet, and what that means. Pure."""

import re

from memcollect.sources.plain import plain

_DIALLED = re.compile(r"error dialing backend|dial tcp \S+:10250\b")
"""The API server's proxy names the address that it dialled (k8s.io/apimachinery, pkg/util/proxy/dial.go); a
runtime that finds nothing on a pod's port names the pod's loopback instead."""


def kubelet_down(said: str, node: str) -> str:
    """Return the sentence on a kubelet that is not reached; "" where `said` is about something else.

    `node` is its name, "" where it is not known.
    """
    if not _DIALLED.search(said):
        return ""
    which = f"of node {plain(node)} " if node else "of its node "
    where = f"`kubectl describe node {plain(node)}`" if node else "`kubectl get nodes`"
    return (
        f"The kubelet {which}cannot be reached ({plain(said).rstrip('.')}), so nothing on that node can be"
        f" asked, and `kubectl logs` and `kubectl exec` will not work there either: see {where},"
        " and on the node `systemctl status kubelet`."
    )
