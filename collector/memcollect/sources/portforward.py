"""The way to an agent that needs no listener on any network: pods/portforward, by the official client.

What the client's port-forward leaves open, and how it is met here:

- the handshake has no timeout: `handshake.Handshaker` gives it one;
- its thread waits in select(): descriptors are checked, and `descriptors.most_workers` bounds workers;
- its thread may die of an error: its end of the stream is then closed in its place, so that the HTTP
  reader finds the answer cut short at once, and its traceback is kept off the terminal;
- it may leave its WebSocket open: every stream is seen to its end before the worker's next but one.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from websocket import ABNF, WebSocketException

from memcollect.errors import NO_THREAD, KubeConfigError
from memcollect.sources.deadline import Deadline
from memcollect.sources.descriptors import SELECT_LIMIT, most_workers
from memcollect.sources.handshake import Abandoned, Handshaker, TooManyAbandonedError
from memcollect.sources.kube_config import Cluster
from memcollect.sources.kubelet import kubelet_down
from memcollect.sources.plain import plain
from memcollect.sources.pod_sockets import ApiException, PortForward, port_forward
from memcollect.sources.refusals import refused_in_pod, status_of
from memcollect.sources.transport import (
    Endpoint,
    SocketStream,
    TransportError,
    TransportFactory,
)

_THREAD_NAME = "Kubernetes port forward proxy"
_SETTLE_SECONDS = 0.5
_GRACE_SECONDS = 0.25
_ERROR_CHANNEL = b"\x01"
_LAST_FRAMES = 8
"""Read of a connection that broke: two begin the channels, one is the error, one says goodbye."""


def port_forwarding(cluster: Cluster) -> TransportFactory:
    """Return what makes each worker its transport; the workers share the count of hung handshakes."""
    abandoned = Abandoned()
    return lambda: PortForwardTransport(cluster, abandoned)


class PortForwardTransport:
    """One worker's port-forwards, one at a time."""

    def __init__(self, cluster: Cluster, abandoned: Abandoned | None = None) -> None:
        self._cluster = cluster
        self._handshaker: Handshaker[Any] = Handshaker(_end, abandoned or Abandoned())
        self._closing: ForwardedStream | None = None

    def connect(self, endpoint: Endpoint, deadline: Deadline) -> "ForwardedStream":
        """Return a stream to `endpoint`. Raises TransportError, TimeoutError."""
        _watch_forwarding_threads()
        forward = self._handshake(endpoint, deadline)
        self._settle(grace=0.0)
        try:
            _check_descriptors(forward)
        except TransportError:
            _end(forward)
            raise
        self._closing = ForwardedStream(forward, endpoint, deadline)
        return self._closing

    def close(self) -> None:
        """See the last stream to its end."""
        self._settle(_GRACE_SECONDS)
        self._handshaker.close()

    def _settle(self, grace: float) -> None:
        stream, self._closing = self._closing, None
        if stream is not None:
            stream.settle(grace)

    def _handshake(self, endpoint: Endpoint, deadline: Deadline) -> Any:
        def begin() -> Any:
            return port_forward(self._cluster, endpoint.namespace, endpoint.pod, endpoint.port)

        try:
            return self._handshaker.run(begin, deadline)
        except ApiException as error:
            # The client makes one of whatever its handshake raises.
            if str(error.reason) == NO_THREAD:
                raise RuntimeError(NO_THREAD) from error
            raise _handshake_error(error, endpoint) from error
        except KubeConfigError as error:
            raise TransportError("denied", error.sentence) from error
        except TooManyAbandonedError as error:
            raise TransportError(
                "agent-unreachable", f"No port-forward to {endpoint} was begun: {error}."
            ) from error


class ForwardedStream(SocketStream):
    """A port-forward's end on this side."""

    def __init__(self, forward: Any, endpoint: Endpoint, deadline: Deadline) -> None:
        super().__init__(forward.socket(endpoint.port), deadline)
        self._forward = forward
        self._endpoint = endpoint

    def fault(self) -> TransportError | None:
        """Return what the node said over the port's error channel; or that nobody said goodbye."""
        said = self._forward.error(self._endpoint.port)
        if not said:
            return self._lost()
        down = kubelet_down(said, self._endpoint.node)
        if down:
            return TransportError("kubelet-down", down)
        if "refused" in said:
            return TransportError("agent-refused", f"Nothing listens on {self._endpoint}.")
        return TransportError(
            "agent-unreachable", f"The forwarding to {self._endpoint} failed: {plain(said)}."
        )

    def _lost(self) -> TransportError | None:
        """Return that the WebSocket was lost: a node says goodbye however the agent's end of it ends.

        After a goodbye the client keeps its socket.
        """
        if self._forward.websocket.sock is not None:
            return None
        return TransportError(
            "agent-unreachable",
            f"The connection to {self._endpoint} was lost on its way: see whether the API server and the "
            "node's kubelet run, and take the snapshot again.",
        )

    def close(self, *, broken: bool = False) -> None:
        """Close this side; the client's thread then says goodbye to the API server."""
        super().close()
        if broken:
            _hang_up(self._forward)

    def settle(self, grace: float) -> None:
        """Make sure that nothing of it is open, `grace` seconds after the last word at the latest."""
        super().close()
        _end(self._forward, grace)


def _end(forward: Any, grace: float = 0.0) -> None:
    """Close all three sockets of a port-forward.

    In `grace` seconds the client's thread may exchange closing frames; then its WebSocket is shut down,
    which lets it wait for nothing more, and closed. A thread that has died closes nothing itself.
    """
    (port,) = forward.local_ports.values()
    forward.close()
    _wait(lambda: forward.websocket.sock is None, grace)
    _hang_up(forward)
    _wait(lambda: port.python.fileno() == -1, _SETTLE_SECONDS)
    port.python.close()
    with contextlib.suppress(OSError):
        forward.websocket.shutdown()


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    deadline = Deadline(seconds)
    pause = 0.0005
    while not condition() and not deadline.passed:
        time.sleep(pause)
        pause = min(pause * 2, 0.02)


def _hang_up(forward: Any) -> None:
    """Wake the thread from whatever it waits for on the network."""
    with contextlib.suppress(OSError, AttributeError):
        forward.websocket.sock.shutdown(socket.SHUT_RDWR)


def _check_descriptors(forward: Any) -> None:
    (port,) = forward.local_ports.values()
    sockets = (forward.websocket.sock, port.socket, port.python)
    highest = max(sock.fileno() for sock in sockets if sock is not None)
    if highest >= SELECT_LIMIT:
        raise TransportError(
            "limit",
            f"File descriptor {highest} cannot be forwarded: use --concurrency {most_workers()} or less.",
        )


def _handshake_error(error: ApiException, endpoint: Endpoint) -> TransportError:
    """Read the refusal out of the websocket error that the client has wrapped."""
    cause = error.__context__
    code = getattr(cause, "status_code", None)
    body = getattr(cause, "resp_body", None) or b""
    said = plain(
        status_of(bytes(body)).message or bytes(body).decode("utf-8", "replace") or str(error.reason)
    )
    if code == 403:
        return TransportError("denied", refused_in_pod(said, endpoint.namespace, "portforward"))
    if code == 401:
        return TransportError("denied", f"The API server does not accept the credentials: {said}.")
    if code == 404:
        return TransportError(
            "agent-unreachable",
            f"The pod {endpoint.namespace}/{endpoint.pod} was deleted meanwhile: take the snapshot again.",
        )
    down = kubelet_down(said, endpoint.node)
    if down:
        return TransportError("kubelet-down", down)
    return TransportError("agent-unreachable", f"No port-forward to {endpoint}: {said}.")


def _watch_forwarding_threads() -> None:
    """Have a forwarding thread that dies end its streams instead of printing a traceback.

    `threading.excepthook` is the only place where an exception of the client's thread can be had; what
    other threads die of goes where it went before.
    """
    hook = threading.excepthook
    if getattr(hook, "watches", None) == _THREAD_NAME:
        return

    def watch(arguments: threading.ExceptHookArgs) -> None:
        if arguments.thread is None or not arguments.thread.name.startswith(_THREAD_NAME):
            hook(arguments)
        else:
            _end_streams(arguments.exc_traceback, broke=issubclass(arguments.exc_type, OSError))

    watch.watches = _THREAD_NAME  # type: ignore[attr-defined]  # its own mark
    threading.excepthook = watch


def _end_streams(trace: TracebackType | None, *, broke: bool) -> None:
    """Close this side's ends of the port-forward in whose loop an error arose; `broke`: of its connection."""
    while trace is not None:
        forward = trace.tb_frame.f_locals.get("self")
        if isinstance(forward, PortForward):
            if broke:
                _read_last_words(forward)
            for port in forward.local_ports.values():
                port.python.close()
            return
        trace = trace.tb_next


def _read_last_words(forward: Any) -> None:
    """Keep what the node said before it hung up: the client's thread, which writes first, died of a write.

    Called in that thread, so that nobody else reads. Channel 1 is the error channel of the one port; it
    begins with the port's number.
    """
    (port,) = forward.local_ports.values()
    begins = port.port_number.to_bytes(2, "little")
    with contextlib.suppress(OSError, AttributeError, ValueError, WebSocketException):
        forward.websocket.sock.settimeout(_GRACE_SECONDS)
        for _ in range(_LAST_FRAMES):
            opcode, frame = forward.websocket.recv_data_frame(True)
            channel, said = bytes(frame.data[:1]), bytes(frame.data[1:])
            if (opcode, channel) == (ABNF.OPCODE_BINARY, _ERROR_CHANNEL) and said != begins:
                port.error = (port.error or "") + said.decode("utf-8", "replace")
