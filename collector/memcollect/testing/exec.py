"""Exec in a container, backed by a real process of this machine: `v4` and `v5.channel.k8s.io`.

The first byte of a message is its channel: 0 stdin, 1 stdout, 2 stderr, 3 the outcome, a Status as JSON;
with v5 also 255, whose next byte names a channel that the client has closed. When the client goes, so
does the process: a kubelet would leave it running, but tests must not.
"""

import contextlib
import dataclasses
import os
import selectors
import signal
import socket
import subprocess
from collections.abc import Sequence
from email.message import Message
from typing import IO, Any

import msgspec

from memcollect.testing import failures
from memcollect.testing.cluster import Cluster
from memcollect.testing.exchange import Request
from memcollect.testing.faults import Fault, StreamFault
from memcollect.testing.resources import PODS
from memcollect.testing.target import Target, target
from memcollect.testing.websocket import WebSocket, accept_key

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDIN, STDOUT, STDERR, OUTCOME, CLOSE = 0, 1, 2, 3, 255
_READ_BYTES = 64 * 1024


class ExecRefusedError(Exception):
    """The command is not run; the text is what a kubelet says on the outcome's channel."""


@dataclasses.dataclass(frozen=True, slots=True)
class Accepted:
    """An exec granted: the handshake's headers, and what is to be run."""

    pod: dict[str, Any]
    container: str
    command: list[str]
    stdin: bool
    headers: tuple[tuple[str, str], ...]


def wanted(cluster: Cluster, request: Request) -> Target | None:
    """Return the pod that `request` wants to run something in, None when it is another kind of request."""
    try:
        asked = target(cluster, request.path)
    except failures.ApiError:
        return None
    if asked is None or (asked.resource, asked.subresource) != (PODS, "exec"):
        return None
    return asked


def accept(cluster: Cluster, asked: Target, request: Request, headers: "Message[str, str]") -> Accepted:
    """Return how the request is granted. Raises ApiError (400, 401, 403, 404)."""
    user = cluster.access.user(request.authorization)
    cluster.access.check_stream(user, request.method, *map(asked.attributes, ("get", "create")))
    pod = cluster.store.get(PODS, asked.namespace, asked.name).decoded()
    names = [each["name"] for each in pod["spec"]["containers"]]
    container = request.query.get("container", [names[0]])[-1]
    if container not in names:
        raise failures.bad_request(f"container {container} is not valid for pod {asked.name}")
    command = list(request.query.get("command", ()))
    if not command:
        raise failures.bad_request("you must specify at least one command for the container")
    key = headers.get("Sec-WebSocket-Key")
    if headers.get("Upgrade", "").lower() != "websocket" or not key:
        raise failures.bad_request("Upgrade request required")
    offered = [name.strip() for name in headers.get("Sec-WebSocket-Protocol", "").split(",")]
    protocol = next((name for name in offered if name in PROTOCOLS), None)
    if protocol is None:
        raise failures.bad_request(f"none of the protocols {offered} is served for an exec")
    answered = (
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", accept_key(key)),
        ("Sec-WebSocket-Protocol", protocol),
    )
    stdin = request.query.get("stdin", ["false"])[-1] in ("true", "1", "True")
    return Accepted(pod, container, command, stdin, answered)


def serve(cluster: Cluster, accepted: Accepted, sock: socket.socket, fault: Fault | None) -> bool:
    """Run it until it ends or the client goes; False when the connection must end without a closing frame."""
    client = WebSocket(sock)
    stream = fault.stream if fault is not None else None
    if stream is StreamFault.HANG:
        while client.open:
            client.receive()
        return True
    if stream is StreamFault.CUT:
        return False
    try:
        on_exec = _refuse if stream is StreamFault.REFUSE or cluster.on_exec is None else cluster.on_exec
        arguments = on_exec(accepted.pod, accepted.container, accepted.command)
        outcome = _run(client, arguments, stdin=accepted.stdin)
    except (ExecRefusedError, OSError) as error:
        outcome = _refused(accepted, str(error))
    client.send(bytes((OUTCOME,)) + msgspec.json.encode(outcome))
    client.close()
    return True


def _refuse(_pod: dict[str, Any], _container: str, _command: list[str]) -> Sequence[str]:
    raise ExecRefusedError("container runtime is not there")


def _refused(accepted: Accepted, why: str) -> dict[str, Any]:
    message = (
        "error executing command in container: failed to exec in container: failed to start exec: OCI "
        "runtime exec failed: exec failed: unable to start container process: "
        f'exec: "{accepted.command[0]}": {why}'
    )
    failed = {"metadata": {}, "status": "Failure", "reason": "InternalError", "code": 500}
    return {**failed, "message": f"Internal error occurred: {message}"}


def _run(client: WebSocket, arguments: Sequence[str], *, stdin: bool) -> dict[str, Any]:
    with subprocess.Popen(  # noqa: S603 # running what the test says is its purpose
        list(arguments),
        stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            _pump(client, process)
        finally:
            if not client.open:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        return _outcome(process.wait())


def _pump(client: WebSocket, process: "subprocess.Popen[bytes]") -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(client.socket, selectors.EVENT_READ, None)
        left: set[IO[bytes]] = set()
        for channel, pipe in ((STDOUT, process.stdout), (STDERR, process.stderr)):
            if pipe is not None:
                selector.register(pipe, selectors.EVENT_READ, (channel, pipe))
                left.add(pipe)
        while left and client.open:
            for ready, _ in selector.select():
                if ready.data is None:
                    _from_client(client, process)
                    continue
                channel, pipe = ready.data
                data = os.read(pipe.fileno(), _READ_BYTES)
                if data:
                    client.send(bytes((channel,)) + data)
                else:
                    selector.unregister(pipe)
                    left.discard(pipe)


def _from_client(client: WebSocket, process: "subprocess.Popen[bytes]") -> None:
    for message in client.receive():
        if process.stdin is None or not message:
            continue
        with contextlib.suppress(OSError, ValueError):
            if message[0] == STDIN:
                process.stdin.write(message[1:])
                process.stdin.flush()
            elif message[:2] == bytes((CLOSE, STDIN)):
                process.stdin.close()


def _outcome(code: int) -> dict[str, Any]:
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    # A shell's convention for a death by signal, which is what a container runtime reports too.
    code = 128 - code if code < 0 else code
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
