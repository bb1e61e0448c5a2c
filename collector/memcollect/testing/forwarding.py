"""What the two port-forward protocols share: reaching a port of a pod, and waiting for either side."""

import contextlib
import dataclasses
import enum
import selectors
import socket
from collections.abc import Callable, Iterator
from typing import TypeAlias

from memcollect.testing.faults import Fault, StreamFault
from memcollect.testing.request_log import LoggedRequest
from memcollect.testing.websocket import WebSocket

Dial: TypeAlias = Callable[[int], socket.socket]

_READ_BYTES = 64 * 1024
# A pod that reads nothing for so long is given up, so that it cannot keep a server from stopping.
_SEND_SECONDS = 10.0


class RefusedError(Exception):
    """Nothing listens on the port; the text is what a kubelet writes to the error channel."""


class CutError(Exception):
    """The connection is to end without another byte."""


def refusal(port: int, sandbox: str) -> str:
    """Return the error of a kubelet with containerd when nothing listens on `port` of the pod."""
    return (
        f"error forwarding port {port} to pod {sandbox}, uid : failed to execute portforward in network "
        f'namespace "/var/run/netns/cni-{sandbox[:8]}": failed to connect to localhost:{port} inside '
        f'namespace "{sandbox}", IPv4: dial tcp4 127.0.0.1:{port}: connect: connection refused IPv6 dial '
        f"tcp6 [::1]:{port}: connect: connection refused "
    )


class Source(enum.Enum):
    """Where an event comes from."""

    CLIENT = "client"
    POD = "pod"


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """A message of the client, or bytes of the pod's port named by `key`; empty bytes end that port."""

    source: Source
    key: int
    data: bytes


class Pump:
    """Waits for the client and for any number of connections to pods at once."""

    def __init__(self, client: WebSocket, entry: LoggedRequest, fault: Fault | None) -> None:
        self.client = client
        self._entry = entry
        self._selector = selectors.DefaultSelector()
        self._selector.register(client.socket, selectors.EVENT_READ, None)
        self._pods: dict[int, socket.socket] = {}
        self.fault = fault.stream if fault is not None else None
        self._left = fault.stream_after_bytes if fault is not None and fault.stream is not None else None

    def add(self, key: int, pod: socket.socket) -> None:
        """Watch a connection to a pod too; the pump closes it."""
        self._pods[key] = pod
        self._selector.register(pod, selectors.EVENT_READ, key)

    def to_pod(self, key: int, data: bytes) -> None:
        """Send the client's bytes on, and end a connection whose pod takes none for too long.

        What a pod that has ended does not read is dropped, as a kubelet does.
        """
        if (pod := self._pods.get(key)) is not None:
            self._entry.bytes_received += len(data)
            try:
                pod.sendall(data)
            except TimeoutError:
                # A part of it went: what came after it would be taken for the rest, or waited for for ever.
                with contextlib.suppress(OSError):
                    pod.shutdown(socket.SHUT_RDWR)
            except OSError:
                return

    def end_to_pod(self, key: int) -> None:
        """Tell the pod that the client will send no more."""
        if (pod := self._pods.get(key)) is not None:
            with contextlib.suppress(OSError):
                pod.shutdown(socket.SHUT_WR)

    def drop(self, key: int) -> None:
        """Close the connection to a pod."""
        if (pod := self._pods.pop(key, None)) is not None:
            self._selector.unregister(pod)
            pod.close()

    def events(self) -> Iterator[Event]:
        """Yield what arrives until the client is gone."""
        while self.client.open:
            for ready, _ in self._selector.select():
                if ready.data is None:
                    for message in self.client.receive():
                        yield Event(Source.CLIENT, 0, message)
                elif ready.data in self._pods:
                    yield self._from_pod(ready.data)

    def _from_pod(self, key: int) -> Event:
        try:
            data = self._pods[key].recv(_READ_BYTES)
        except OSError:
            data = b""
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        self._entry.bytes_sent += len(data)
        return Event(Source.POD, key, data)

    @property
    def fault_due(self) -> StreamFault | None:
        """The scripted fault once the bytes that it lets through have passed."""
        return self.fault if self._left == 0 else None

    def close(self) -> None:
        """Close every connection to a pod; the client's socket belongs to its server."""
        for key in list(self._pods):
            self.drop(key)
        self._selector.close()


def dial(address: tuple[str, int] | None, port: int, sandbox: str) -> socket.socket:
    """Return a connection to where `port` of a pod leads. Raises RefusedError."""
    if address is None:
        raise RefusedError(refusal(port, sandbox))
    try:
        connected = socket.create_connection(address)
    except OSError as error:
        raise RefusedError(refusal(port, sandbox)) from error
    connected.settimeout(_SEND_SECONDS)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected
