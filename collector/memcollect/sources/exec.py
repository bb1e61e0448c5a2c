"""A command in a container, by the API's exec: bounded in time and in what is kept of its output.

The handshake has no time limit of its own: `handshake.Handshaker` gives it one, with a thread for each
`Executor`, which so belongs to one worker. Kubernetes has no way to end a command that was begun: after a
time-out it may run on.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct
from websocket import WebSocketException

from memcollect.errors import KubeConfigError
from memcollect.sources.deadline import Deadline
from memcollect.sources.handshake import Abandoned, Handshaker, TooManyAbandonedError
from memcollect.sources.kube_config import Cluster
from memcollect.sources.kubelet import kubelet_down
from memcollect.sources.plain import plain
from memcollect.sources.pod_sockets import ApiException, running
from memcollect.sources.refusals import refused_in_pod, status_of

LARGEST_OUTPUT_BYTES = 64 << 10
"""Kept of each of stdout and stderr, the end of it; what came before is counted and dropped."""
_STDIN, _STDOUT, _STDERR, _OUTCOME = 0, 1, 2, 3
_PIECE_BYTES = 64 << 10
_TICK_SECONDS = 0.2
_CLOSE_SECONDS = 1.0

ExecReason = Literal["denied", "gone", "refused", "unreachable", "timeout", "interrupted"]


class Place(Struct, frozen=True, kw_only=True):
    """A container of a pod; `container` is "" for the pod's default one."""

    namespace: str
    pod: str
    container: str = ""

    def __str__(self) -> str:
        return f"{self.namespace}/{self.pod}" + (f" ({self.container})" if self.container else "")


class Output(Struct, frozen=True, kw_only=True):
    """The end of what a command wrote, where it says why it failed, and how much it was."""

    kept: bytes = b""
    written_bytes: int = 0


class _Tail:
    """The end of what came, no more than `most_bytes` of it."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._data = bytearray()
        self._written_bytes = 0

    def take(self, data: bytes) -> None:
        """Count `data`, and keep the end."""
        self._written_bytes += len(data)
        self._data += data
        # Cut now and then, not at every piece: each cut moves all that is kept.
        if len(self._data) > 2 * self._most_bytes:
            del self._data[: -self._most_bytes]

    def output(self) -> Output:
        return Output(kept=bytes(self._data[-self._most_bytes :]), written_bytes=self._written_bytes)


class ExecResult(Struct, frozen=True, kw_only=True):
    """A command that ran to its end."""

    exit_code: int
    stdout: Output
    stderr: Output


class ExecError(Exception):
    """A command that could not be begun, or of whose end nothing is known."""

    def __init__(self, reason: ExecReason, sentence: str) -> None:
        super().__init__(sentence)
        self.reason: ExecReason = reason


class _Cause(Struct):
    reason: str = ""
    message: str = ""


class _Details(Struct):
    causes: list[_Cause] = []


class _Outcome(Struct):
    """The Status that comes over the error channel when a command has ended."""

    status: str = ""
    reason: str = ""
    message: str = ""
    details: _Details | None = None


class Executor:
    """One worker's commands, one at a time."""

    def __init__(self, cluster: Cluster, abandoned: Abandoned | None = None) -> None:
        self._cluster = cluster
        self._handshaker: Handshaker[Any] = Handshaker(_end, abandoned or Abandoned())

    def run(  # noqa: PLR0913 # half of them have a default
        self,
        place: Place,
        command: Sequence[str],
        deadline: Deadline,
        stopped: Callable[[], bool] = lambda: False,
        *,
        stdin: bytes | None = None,
        keep_bytes: int = LARGEST_OUTPUT_BYTES,
    ) -> ExecResult:
        """Return what became of `command`, whatever its exit code. Raises ExecError.

        Of each of its outputs the last `keep_bytes` are kept. `stdin` is written to it and then left open,
        for the client's protocol cannot end it: the command must know how much to read.
        """
        try:
            socket = self._begin(place, command, deadline, stdin=stdin is not None)
        except TimeoutError as error:
            raise _timeout(place, deadline) from error
        try:
            return _follow(socket, place, deadline, stopped, _Exchange(stdin or b"", keep_bytes))
        finally:
            _end(socket)

    def close(self) -> None:
        """Let its thread end."""
        self._handshaker.close()

    def _begin(self, place: Place, command: Sequence[str], deadline: Deadline, *, stdin: bool) -> Any:
        def begin() -> Any:
            return running(self._cluster, place.namespace, place.pod, place.container, command, stdin=stdin)

        try:
            return self._handshaker.run(begin, deadline)
        except ApiException as error:
            raise _handshake_error(error, place) from error
        except KubeConfigError as error:
            raise ExecError("denied", error.sentence) from error
        except TooManyAbandonedError as error:
            raise ExecError("unreachable", f"No command was begun in {place}: {error}.") from error


class _Exchange:
    """What goes to a command and what comes of it."""

    def __init__(self, stdin: bytes, keep_bytes: int) -> None:
        self.outputs = {_STDOUT: _Tail(keep_bytes), _STDERR: _Tail(keep_bytes)}
        self.outcome = b""
        self._stdin = memoryview(stdin)

    def step(self, socket: Any, seconds: float) -> None:
        """Send the next piece of stdin, if there is one, and take what has come within `seconds`."""
        if self._stdin:
            socket.write_channel(_STDIN, bytes(self._stdin[:_PIECE_BYTES]))
            self._stdin = self._stdin[_PIECE_BYTES:]
        socket.update(timeout=0 if self._stdin else seconds)
        for channel, output in self.outputs.items():
            output.take(_taken(socket, channel))
        self.outcome += _taken(socket, _OUTCOME)[:LARGEST_OUTPUT_BYTES]
        # The client also keeps everything that ever came; this makes it forget.
        socket.read_all()


def _follow(
    socket: Any, place: Place, deadline: Deadline, stopped: Callable[[], bool], exchange: _Exchange
) -> ExecResult:
    try:
        while socket.is_open():
            if stopped():
                raise ExecError("interrupted", f"Interrupted while the command ran in {place}.")
            left = deadline.left()
            # Half a frame must not hold us longer than the deadline either.
            socket.sock.settimeout(left)
            exchange.step(socket, min(_TICK_SECONDS, left))
    except (TimeoutError, WebSocketException, OSError) as error:
        if deadline.passed:
            raise _timeout(place, deadline) from error
        raise ExecError(
            "unreachable", f"The connection to the command in {place} broke: {plain(str(error))}."
        ) from error
    outputs = {channel: tail.output() for channel, tail in exchange.outputs.items()}
    return _result(exchange.outcome, place, outputs)


def _taken(socket: Any, channel: int) -> bytes:
    """Return what has come on a channel; asking the client itself would wait for more."""
    data = socket._channels.pop(channel, b"")  # noqa: SLF001 # its own reader polls the network once more
    return data if isinstance(data, bytes) else str(data).encode()


def _result(outcome: bytes, place: Place, outputs: dict[int, Output]) -> ExecResult:
    try:
        ended = msgspec.json.decode(outcome, type=_Outcome)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ExecError(
            "unreachable", f"The connection to the command in {place} ended without its outcome."
        ) from error
    if ended.status == "Success":
        code = 0
    elif ended.reason == "NonZeroExitCode":
        causes = ended.details.causes if ended.details else []
        texts = [each.message for each in causes if each.reason == "ExitCode"]
        code = int(texts[0]) if texts and texts[0].isascii() and texts[0].isdecimal() else 1
    else:
        raise ExecError(
            "refused", f"The command could not be run in {place}: {plain(ended.message).rstrip('.')}."
        )
    return ExecResult(exit_code=code, stdout=outputs[_STDOUT], stderr=outputs[_STDERR])


def _timeout(place: Place, deadline: Deadline) -> ExecError:
    return ExecError(
        "timeout",
        f"The command did not end in {place} within {deadline.seconds:g} s; it may still run there.",
    )


def _end(socket: Any) -> None:
    with contextlib.suppress(OSError, WebSocketException, AttributeError):
        socket.sock.settimeout(_CLOSE_SECONDS)
        socket.close(timeout=_CLOSE_SECONDS)
    with contextlib.suppress(OSError, WebSocketException, AttributeError):
        # After the server's own goodbye the client leaves its socket open.
        socket.sock.shutdown()


def _handshake_error(error: ApiException, place: Place) -> ExecError:
    """Read the refusal out of the websocket error that the client has wrapped."""
    cause = error.__context__
    code = getattr(cause, "status_code", None)
    body = bytes(getattr(cause, "resp_body", None) or b"")
    said = plain(status_of(body).message or body.decode("utf-8", "replace") or str(error.reason)).rstrip(".")
    if code == 403:
        return ExecError("denied", refused_in_pod(said, place.namespace, "exec"))
    if code == 401:
        return ExecError("denied", f"The API server does not accept the credentials: {said}.")
    if code == 404:
        return ExecError("gone", f"The pod {place} is gone: {said}.")
    down = kubelet_down(said, "")
    return ExecError("unreachable", down or f"No command can be begun in {place}: {said}.")
