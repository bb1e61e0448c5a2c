"""From a pod that is ready to the box that commands and files go to, by the driver of the plan."""

from __future__ import annotations

import time
from typing import Protocol

from memcollect.evidence.port import Box, OperationError
from memcollect.profile.sandboxes.source import Sandbox
from memcollect.sources.exec import Place
from memcollect.sources.kube_config import Cluster
from memcollect.sources.portforward import port_forwarding
from memcollect.sources.transport import Endpoint
from memcollect.trying.drivers.aio import AioBox
from memcollect.trying.drivers.exec import ExecBox, Executors
from memcollect.trying.http import ForwardedSender, Sender

_PAUSE_SECONDS = 0.25
_LOOK_SECONDS = 5.0


class Opener(Protocol):
    """A driver's way to a sandbox."""

    def open(self, sandbox: Sandbox, until: float) -> Box:
        """Return it when its interface answers. Raises OperationError after `until` (time.monotonic)."""


class ExecOpener:
    """By pods/exec: what is ready can be run in."""

    def __init__(self, cluster: Cluster) -> None:
        self._executors = Executors(cluster)

    def open(self, sandbox: Sandbox, until: float) -> Box:  # noqa: ARG002 # the protocol's
        """Return it at once."""
        return ExecBox(
            self._executors,
            Place(namespace=sandbox.namespace, pod=sandbox.pod, container=sandbox.container),
        )


class AioOpener:
    """By the AIO interface on a port of the pod, which may answer later than the pod is ready."""

    def __init__(self, cluster: Cluster, port: int) -> None:
        self._transports = port_forwarding(cluster)
        self._port = port

    def open(self, sandbox: Sandbox, until: float) -> Box:
        """Wait for the first HTTP 200 on /v1/sandbox."""
        endpoint = Endpoint(namespace=sandbox.namespace, pod=sandbox.pod, port=self._port)
        sender = ForwardedSender(self._transports, endpoint)
        said = "nothing was asked"
        while time.monotonic() < until:
            said = _asked(sender)
            if not said:
                return AioBox(sender, sandbox.pod_name)
            time.sleep(_PAUSE_SECONDS)
        raise OperationError("timeout", f"{endpoint} never answered /v1/sandbox with 200: {said}")


def _asked(sender: Sender) -> str:
    """Return "" where it answers as it should, else what it said."""
    try:
        answer = sender.send("GET", "/v1/sandbox", b"", {}, _LOOK_SECONDS)
    except OperationError as error:
        return str(error)
    return "" if answer.status == 200 else f"HTTP {answer.status}"
