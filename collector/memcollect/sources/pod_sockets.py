"""A WebSocket to a pod, by the official client's functions for it and without its generated calls.

Those calls need the models of half of Kubernetes, which take a second of a processor to import: most of what
a command's start cost. Nor is a method of an ApiClient swapped here, as `stream.portforward` and
`stream.stream` do during a handshake; the two functions below it are the same from client 30 to 37.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from kubernetes.client.exceptions import ApiException
from kubernetes.stream.ws_client import PortForward, portforward_call, websocket_call

from memcollect.sources.kube_config import Cluster

__all__ = ["ApiException", "PortForward", "port_forward", "running"]


def port_forward(cluster: Cluster, namespace: str, pod: str, port: int) -> Any:
    """Return a new port-forward, after its handshake. Raises ApiException, KubeConfigError."""
    url = _url(cluster, namespace, pod, "portforward")
    return portforward_call(
        cluster.configuration, "GET", url, headers=_headers(cluster), query_params=[("ports", str(port))]
    )


def running(  # noqa: PLR0913 # what a command is
    cluster: Cluster, namespace: str, pod: str, container: str, command: Sequence[str], *, stdin: bool
) -> Any:
    """Return the connection to a command that was begun in a container, "" for the pod's default one.

    Raises ApiException, KubeConfigError.
    """
    query = [("stdin", str(stdin).lower()), ("stdout", "true"), ("stderr", "true"), ("tty", "false")]
    if container:
        query.append(("container", container))
    query += [("command", each) for each in command]
    return websocket_call(
        cluster.configuration,
        "GET",
        _url(cluster, namespace, pod, "exec"),
        headers=_headers(cluster),
        query_params=query,
        _preload_content=False,
        binary=True,
    )


def _url(cluster: Cluster, namespace: str, pod: str, subresource: str) -> str:
    place = f"namespaces/{quote(namespace, safe='')}/pods/{quote(pod, safe='')}"
    return f"{cluster.server}/api/v1/{place}/{subresource}"


def _headers(cluster: Cluster) -> dict[str, str]:
    authorization = cluster.authorization()
    return {} if authorization is None else {"authorization": authorization}
