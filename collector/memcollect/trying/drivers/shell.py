"""The operations on files by commands: for backends that run commands and offer nothing else.

What is found out through it tells of the file system of a sandbox, not of an interface for files, and so its
answers bear the level "shell". POSIX utilities, find, sha256sum and GNU or busybox grep are used.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping

from memcollect.evidence.exits import Exited, told
from memcollect.evidence.port import (
    Content,
    ErrorKind,
    Level,
    Listing,
    Match,
    Matches,
    OperationError,
    Pattern,
    Ran,
)
from memcollect.sources.plain import plain_end

Runner = Callable[[str, bytes | None, float, int], Ran]
"""(shell line, stdin, seconds, bytes of stdout to keep) -> what came back."""
LARGEST_FILE_BYTES = 128 << 20
_SHOWN = 300
_NO_SUCH_FILE, _IS_DIRECTORY, _DENIED = 44, 45, 46
_KINDS: Mapping[int, tuple[ErrorKind, str]] = {
    _NO_SUCH_FILE: ("not-found", "there is no such file"),
    _IS_DIRECTORY: ("invalid", "it is a directory"),
    _DENIED: ("denied", "it may not be read"),
}
"""Exit codes of our own lines, and what they mean."""


class ShellFiles:
    """Files of a sandbox in which commands can be run."""

    def __init__(self, run: Runner) -> None:
        self._run = run

    def read(self, path: str, first: int | None, last: int | None, seconds: float) -> Content:
        """Return a file, or some of its lines."""
        if first is None and last is None:
            return self.get(path, seconds)
        lines = f"{max(1, first or 1)},{last if last is not None else '$'}p"
        return Content(
            data=self._good(f"{_readable(path)} sed -n {shlex.quote(lines)} < {_q(path)}", seconds),
            level="shell",
        )

    def write(self, path: str, text: str, *, append: bool, seconds: float) -> Level:
        """Write or append text."""
        return self._written(path, text.encode(), ">>" if append else ">", seconds)

    def put(self, path: str, data: bytes, seconds: float) -> Level:
        """Write bytes."""
        return self._written(path, data, ">", seconds)

    def get(self, path: str, seconds: float) -> Content:
        """Return a file's bytes."""
        return Content(data=self._good(f"{_readable(path)} cat < {_q(path)}", seconds), level="shell")

    def list(self, path: str, depth: int, seconds: float) -> Listing:
        """Return what is below a directory."""
        found = self._good(
            f"{_directory(path)} find {_q(path)} -mindepth 1 -maxdepth {depth} | sort", seconds
        )
        return Listing(paths=_lines(found), truncated=False, level="shell")

    def glob(self, path: str, pattern: str, most: int, seconds: float) -> Listing:
        """Return files by a pattern, by find's -name where it is one of names, else by -path."""
        if pattern.startswith("**/") and "/" not in pattern[3:]:
            how, deep = f"-name {_q(pattern[3:])}", ""
        elif "/" not in pattern:
            how, deep = f"-name {_q(pattern)}", " -maxdepth 1"
        else:
            how, deep = f"-path {_q(f'{path}/{pattern}'.replace('**', '*'))}", ""
        found = self._good(
            f"{_directory(path)} find {_q(path)}{deep} -type f {how} | sort | head -n {most + 1}", seconds
        )
        paths = _lines(found)
        return Listing(paths=paths[:most], truncated=len(paths) > most, level="shell")

    def grep(self, path: str, pattern: Pattern, seconds: float) -> Matches:
        """Return lines, by grep -rn."""
        flags = ("F" if pattern.literal else "E") + ("i" if pattern.ignore_case else "")
        include = f" --include={_q(pattern.files)}" if pattern.files else ""
        line = f"grep -rnIH{flags}{include} -e {_q(pattern.text)} {_q(path)}; [ $? -le 1 ]"
        matches = []
        for found in _lines(self._good(line, seconds)):
            name, _, rest = found.partition(":")
            number, _, text = rest.partition(":")
            if number.isdecimal():
                matches.append(Match(path=name, number=int(number), line=text))
        return Matches(matches=matches[: pattern.most], truncated=len(matches) > pattern.most, level="shell")

    def _written(self, path: str, data: bytes, how: str, seconds: float) -> Level:
        parent = _q(path.rpartition("/")[0] or "/")
        # Kubernetes' older protocol cannot end a stdin, so the size is told; head reads no byte more.
        source = f"head -c {len(data)}" if data else ":"
        self._good(f"mkdir -p {parent} && {source} {how} {_q(path)}", seconds, data)
        return "shell"

    def _good(self, line: str, seconds: float, stdin: bytes | None = None) -> bytes:
        ran = self._run(line, stdin, seconds, LARGEST_FILE_BYTES)
        if ran.exit == Exited(0):
            return ran.stdout
        said = plain_end((ran.stderr or ran.stdout).decode("utf-8", "replace"), _SHOWN)
        code = ran.exit.code if isinstance(ran.exit, Exited) else 0
        if code in _KINDS and not said:
            raise OperationError(*_KINDS[code])
        raise OperationError(_kind(said), said or f"the command's end: {told(ran.exit)}")


def _kind(said: str) -> ErrorKind:
    """Return what the utilities' own words are about."""
    if "No such file" in said:
        return "not-found"
    if "Permission denied" in said or "Read-only file system" in said:
        return "denied"
    return "refused"


def _readable(path: str) -> str:
    quoted = _q(path)
    return (
        f"[ -e {quoted} ] || exit {_NO_SUCH_FILE}; [ ! -d {quoted} ] || exit {_IS_DIRECTORY}; "
        f"[ -r {quoted} ] || exit {_DENIED};"
    )


def _directory(path: str) -> str:
    return f"[ -d {_q(path)} ] || exit {_NO_SUCH_FILE};"


def _q(text: str) -> str:
    return shlex.quote(text)


def _lines(data: bytes) -> list[str]:
    return [line for line in data.decode("utf-8", "backslashreplace").split("\n") if line]
