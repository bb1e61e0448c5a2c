"""A port-forward request: whether it may be, in which protocol, and serving it."""

import dataclasses
import socket
from email.message import Message

from memcollect.testing import channels, failures, forwarding, spdy, tunnel
from memcollect.testing.cluster import Cluster
from memcollect.testing.exchange import Request
from memcollect.testing.faults import Fault, StreamFault
from memcollect.testing.forwarding import CutError, Pump
from memcollect.testing.request_log import LoggedRequest
from memcollect.testing.resources import PODS
from memcollect.testing.target import Target, target
from memcollect.testing.websocket import INTERNAL_ERROR, WebSocket, accept_key

_SUBRESOURCE = "portforward"


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """A port-forward asked for."""

    target: Target

    @property
    def namespace(self) -> str:
        """The pod's namespace."""
        return self.target.namespace

    @property
    def pod(self) -> str:
        """The pod's name."""
        return self.target.name


@dataclasses.dataclass(frozen=True, slots=True)
class Accepted:
    """A port-forward granted: the handshake's headers, and what it leads to."""

    wanted: Wanted
    protocol: str
    ports: tuple[int, ...]
    headers: tuple[tuple[str, str], ...]


def wanted(cluster: Cluster, request: Request) -> Wanted | None:
    """Return the port-forward that `request` asks for, None when it is another kind of request."""
    try:
        asked = target(cluster, request.path)
    except failures.ApiError:
        return None
    if not isinstance(asked, Target) or (asked.resource, asked.subresource) != (PODS, _SUBRESOURCE):
        return None
    return Wanted(asked)


def accept(cluster: Cluster, asked: Wanted, request: Request, headers: "Message[str, str]") -> Accepted:
    """Return how the request is granted. Raises ApiError (400, 401, 403, 404)."""
    user = cluster.access.user(request.authorization)
    cluster.access.check_stream(user, request.method, *map(asked.target.attributes, ("get", "create")))
    pod = cluster.store.get(PODS, asked.namespace, asked.pod)
    if not pod.fields["spec.nodeName"]:
        raise failures.bad_request(f"pod {asked.pod} does not have a host assigned")
    key = headers.get("Sec-WebSocket-Key")
    if headers.get("Upgrade", "").lower() != "websocket" or not key:
        raise failures.bad_request("Upgrade request required")
    protocol = _protocol(headers.get("Sec-WebSocket-Protocol", ""))
    # In a tunnel each stream names its own port.
    ports = () if protocol == tunnel.PROTOCOL else _ports(request)
    answered = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", accept_key(key)),
    ]
    if protocol:
        answered.append(("Sec-WebSocket-Protocol", protocol))
    return Accepted(asked, protocol, ports, tuple(answered))


def _protocol(offered: str) -> str:
    names = [name.strip() for name in offered.split(",") if name.strip()]
    if not names:
        return ""
    for name in names:
        if name in (channels.PROTOCOL, tunnel.PROTOCOL):
            return name
    raise failures.bad_request(f"none of the protocols {names} is served for a port-forward")


def _ports(request: Request) -> tuple[int, ...]:
    texts = [text for value in request.query.get("ports", ()) for text in value.split(",")]
    if not texts:
        raise failures.bad_request('query parameter "ports" is required')
    for text in texts:
        if not text.isdecimal() or not 0 < int(text) < 65536:
            raise failures.bad_request(f'invalid port "{text}"')
    return tuple(int(text) for text in texts)


def serve(
    cluster: Cluster, accepted: Accepted, sock: socket.socket, entry: LoggedRequest, fault: Fault | None
) -> bool:
    """Forward until it ends; False when the connection must end without a closing frame."""
    namespace, pod = accepted.wanted.namespace, accepted.wanted.pod
    sandbox = cluster.sandbox(namespace, pod)

    def dial(port: int) -> socket.socket:
        refused = fault is not None and fault.stream is StreamFault.REFUSE
        address = None if refused else cluster.backend(namespace, pod, port)
        return forwarding.dial(address, port, sandbox)

    client = WebSocket(sock)
    pump = Pump(client, entry, fault)
    try:
        if accepted.protocol == tunnel.PROTOCOL:
            tunnel.Tunnel(pump, dial).serve()
        else:
            channels.serve(pump, accepted.ports, dial)
    except CutError:
        return False
    except spdy.SpdyError:
        client.close(INTERNAL_ERROR)
    finally:
        pump.close()
    return True
