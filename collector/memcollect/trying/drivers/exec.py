"""The driver `exec`: Kubernetes' pods/exec, the baseline. It offers commands; files are done by commands.

A line runs as `sh -c`. Kubernetes has no time limit for a command and cannot end one: at the limit the driver
hangs up, which is told as it is. Of a death by signal N a container runtime tells exit code 128 + N.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator, Mapping

from memcollect.evidence.exits import Exited, TimedOut
from memcollect.evidence.port import Content, ErrorKind, Level, Listing, Matches, OperationError, Pattern, Ran
from memcollect.sources.deadline import Deadline
from memcollect.sources.exec import ExecError, ExecReason, Executor, Place
from memcollect.sources.handshake import Abandoned
from memcollect.sources.kube_config import Cluster
from memcollect.trying.drivers.shell import ShellFiles

_KEPT_BYTES = 8 << 20
_KINDS: Mapping[ExecReason, ErrorKind] = {
    "denied": "denied",
    "gone": "not-found",
    "refused": "refused",
    "unreachable": "transport",
    "timeout": "timeout",
    "interrupted": "timeout",
}
# A value must stand on no command line, so it comes over stdin: its size, then that many bytes.
_WITH_ENVIRONMENT = (
    "for __mc in {names}; do read -r __mc_n; "
    '__mc_v=$(head -c "$__mc_n"; printf .); export "$__mc=${{__mc_v%.}}"; done; '
    "unset __mc __mc_n __mc_v; exec sh -c {line} < /dev/null"
)


class Executors:
    """Executors for threads: each is used by one at a time."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._abandoned = Abandoned()

    @contextlib.contextmanager
    def one(self) -> Iterator[Executor]:
        """Give an executor of one's own."""
        executor = Executor(self._cluster, self._abandoned)
        try:
            yield executor
        finally:
            executor.close()


def _with_environment(line: str, env: Mapping[str, str]) -> tuple[str, bytes]:
    names = " ".join(env)
    values = [value.encode() for value in env.values()]
    stdin = b"".join(b"%d\n%s" % (len(value), value) for value in values)
    return _WITH_ENVIRONMENT.format(names=names, line=shlex.quote(line)), stdin


class ExecBox:
    """A pod's container. Each thread that uses it needs one of its own."""

    prefix = ""
    temp = "/tmp"  # noqa: S108 # the sandbox's own

    def __init__(self, executors: Executors, place: Place) -> None:
        self._executors = executors
        self._place = place
        self._files = ShellFiles(self._shell)
        self.name = str(place)

    def run(self, command: str, env: Mapping[str, str], limit: float | None, seconds: float) -> Ran:
        """Run a line of shell."""
        line, stdin = (command, None) if not env else _with_environment(command, env)
        try:
            return self._shell(
                line, stdin, min(seconds, limit) if limit is not None else seconds, _KEPT_BYTES
            )
        except OperationError as error:
            if error.kind == "timeout" and limit is not None and limit < seconds:
                return Ran(exit=TimedOut(), level="api")
            raise

    def read(self, path: str, first: int | None, last: int | None, seconds: float) -> Content:
        """Read by a command."""
        return self._files.read(path, first, last, seconds)

    def write(self, path: str, text: str, *, append: bool, seconds: float) -> Level:
        """Write by a command."""
        return self._files.write(path, text, append=append, seconds=seconds)

    def put(self, path: str, data: bytes, seconds: float) -> Level:
        """Write bytes by a command."""
        return self._files.put(path, data, seconds)

    def get(self, path: str, seconds: float) -> Content:
        """Read bytes by a command."""
        return self._files.get(path, seconds)

    def list(self, path: str, depth: int, seconds: float) -> Listing:
        """List by a command."""
        return self._files.list(path, depth, seconds)

    def glob(self, path: str, pattern: str, most: int, seconds: float) -> Listing:
        """Find by a command."""
        return self._files.glob(path, pattern, most, seconds)

    def grep(self, path: str, pattern: Pattern, seconds: float) -> Matches:
        """Search by a command."""
        return self._files.grep(path, pattern, seconds)

    def close(self) -> None:
        """Nothing is held: executors belong to threads."""

    def _shell(self, line: str, stdin: bytes | None, seconds: float, keep_bytes: int) -> Ran:
        with self._executors.one() as executor:
            try:
                result = executor.run(
                    self._place, ["sh", "-c", line], Deadline(seconds), stdin=stdin, keep_bytes=keep_bytes
                )
            except ExecError as error:
                raise OperationError(_KINDS[error.reason], str(error)) from error
        return Ran(
            exit=Exited(result.exit_code), stdout=result.stdout.kept, stderr=result.stderr.kept, level="api"
        )
