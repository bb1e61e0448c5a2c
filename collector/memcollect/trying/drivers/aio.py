"""The driver `aio`: the AIO sandbox's HTTP interface (openapi 1.9.4), as DeerFlow's client speaks to it.

Commands go to /v1/bash/exec, which tells stdout, stderr and the exit code apart; images before 1.9.3 lack it,
and then to /v1/shell/exec, whose one text holds both. Every answer is an envelope {success, message, data}; a
file's error comes inside one, with HTTP status 200.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from memcollect.evidence.exits import Exit, Exited, Signalled, TimedOut, Unknown
from memcollect.evidence.port import (
    Content,
    ErrorKind,
    HttpSeen,
    Level,
    Listing,
    Match,
    Matches,
    OperationError,
    Pattern,
    Ran,
)
from memcollect.sources.plain import plain
from memcollect.trying.http import Sender, multipart

T = TypeVar("T")
_ABSENT = frozenset({404, 405})
_ERRNO: Mapping[int, ErrorKind] = {
    2: "not-found",
    13: "denied",
    30: "denied",
    21: "invalid",
    20: "invalid",
    22: "invalid",
}
_TYPES: Mapping[str, ErrorKind] = {
    "not_found": "not-found",
    "file_not_found": "not-found",
    "permission_denied": "denied",
    "read_only": "denied",
    "invalid": "invalid",
    "too_large": "too-large",
}
_HTTP: Mapping[int, ErrorKind] = {
    400: "invalid",
    401: "denied",
    403: "denied",
    404: "not-found",
    413: "too-large",
    422: "invalid",
    429: "capacity",
    503: "capacity",
}
_SIGKILL = 9


class _Envelope(Struct):
    success: bool = True
    message: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")


class _FileError(Struct):
    error_type: str
    message: str
    errno: int | None = None


class _Bash(Struct):
    status: str = ""
    stdout: str | None = None
    stderr: str | None = None
    exit_code: int | None = None


class _Shell(Struct):
    status: str = ""
    output: str | None = None
    exit_code: int | None = None


class _Read(Struct):
    content: str


class _FileInfo(Struct):
    path: str


class _Listed(Struct):
    files: list[_FileInfo] = []
    total_count: int = 0


class _Globbed(Struct):
    files: list[_FileInfo] = []
    truncated: bool = False


class _GrepMatch(Struct):
    file: str
    line_number: int
    line_content: str


class _Grepped(Struct):
    matches: list[_GrepMatch] = []
    truncated: bool = False


class AioBox:
    """One AIO sandbox. `sender` leads to its port."""

    def __init__(
        self,
        sender: Sender,
        name: str,
        prefix: str = "",
        temp: str = "/tmp",  # noqa: S108 # the sandbox's own
    ) -> None:
        self._sender = sender
        self._has_bash = True
        self.name = name
        self.prefix = prefix
        self.temp = temp

    def run(self, command: str, env: Mapping[str, str], limit: float | None, seconds: float) -> Ran:
        """Run a line of shell."""
        if self._has_bash:
            asked: dict[str, Any] = {"command": command}
            if env:
                asked["env"] = dict(env)
            if limit is not None:
                asked["hard_timeout"] = limit
            answer = self._post("/v1/bash/exec", asked, seconds)
            if answer.status not in _ABSENT:
                return _of_bash(_data(answer, _Bash))
            self._has_bash = False
        if env:
            raise OperationError(
                "refused", "this image has no /v1/bash/exec, and /v1/shell/exec takes no variables"
            )
        asked = {"command": command} if limit is None else {"command": command, "hard_timeout": limit}
        return _of_shell(_data(self._post("/v1/shell/exec", asked, seconds), _Shell))

    def read(self, path: str, first: int | None, last: int | None, seconds: float) -> Content:
        """Read text. Its lines are counted from 0 there, and the last is not included."""
        asked: dict[str, Any] = {"file": path}
        if first is not None:
            asked["start_line"] = first - 1
        if last is not None:
            asked["end_line"] = last
        read = _data(self._post("/v1/file/read", asked, seconds), _Read)
        return Content(data=read.content.encode("utf-8", "backslashreplace"))

    def write(self, path: str, text: str, *, append: bool, seconds: float) -> Level:
        """Write text."""
        asked = {"file": path, "content": text, "append": append}
        _data(self._post("/v1/file/write", asked, seconds), dict)
        return "api"

    def put(self, path: str, data: bytes, seconds: float) -> Level:
        """Upload bytes."""
        body, content_type = multipart({"path": path}, [("file", path.rpartition("/")[2], data)])
        answer = self._sender.send("POST", "/v1/file/upload", body, {"Content-Type": content_type}, seconds)
        _data(answer, dict)
        return "api"

    def get(self, path: str, seconds: float) -> Content:
        """Download bytes."""
        where = f"/v1/file/download?path={urllib.parse.quote(path, safe='')}"
        answer = self._sender.send("GET", where, b"", {}, seconds)
        if answer.status != 200:
            raise _refusal(answer)
        if "json" in answer.headers.get("content-type", ""):
            # An error inside an envelope; a file that is JSON comes as octets.
            _data(answer, dict)
        return Content(data=answer.body)

    def list(self, path: str, depth: int, seconds: float) -> Listing:
        """List a directory."""
        asked = {"path": path, "recursive": depth > 1, "max_depth": depth, "show_hidden": True}
        found = _data(self._post("/v1/file/list", asked, seconds), _Listed)
        paths = [each.path for each in found.files]
        return Listing(paths=paths, truncated=found.total_count > len(paths))

    def glob(self, path: str, pattern: str, most: int, seconds: float) -> Listing:
        """Find files."""
        asked = {"path": path, "pattern": pattern, "max_results": most, "include_metadata": False}
        found = _data(self._post("/v1/file/glob", asked, seconds), _Globbed)
        return Listing(paths=[each.path for each in found.files], truncated=found.truncated)

    def grep(self, path: str, pattern: Pattern, seconds: float) -> Matches:
        """Search."""
        asked: dict[str, Any] = {
            "path": path,
            "pattern": pattern.text,
            "fixed_strings": pattern.literal,
            "case_insensitive": pattern.ignore_case,
            "max_results": pattern.most,
        }
        if pattern.files:
            asked["include"] = [pattern.files]
        found = _data(self._post("/v1/file/grep", asked, seconds), _Grepped)
        matches = [Match(path=m.file, number=m.line_number, line=m.line_content) for m in found.matches]
        return Matches(matches=matches, truncated=found.truncated)

    def close(self) -> None:
        """Let go of the way to it."""
        self._sender.close()

    def _post(self, path: str, asked: Mapping[str, Any], seconds: float) -> HttpSeen:
        headers = {"Content-Type": "application/json"}
        return self._sender.send("POST", path, msgspec.json.encode(asked), headers, seconds)


def _of_bash(found: _Bash) -> Ran:
    stdout, stderr = (found.stdout or "").encode("utf-8", "backslashreplace"), None
    if found.stderr is not None:
        stderr = found.stderr.encode("utf-8", "backslashreplace")
    return Ran(exit=_exit(found.status, found.exit_code), stdout=stdout, stderr=stderr)


def _of_shell(found: _Shell) -> Ran:
    text = (found.output or "").encode("utf-8", "backslashreplace")
    return Ran(exit=_exit(found.status, found.exit_code), stdout=text)


def _exit(status: str, code: int | None) -> Exit:
    if status in {"timed_out", "hard_timeout", "no_change_timeout"}:
        return TimedOut()
    if status in {"killed", "terminated"} and code is None:
        return Signalled(_SIGKILL)
    if code is None:
        return Unknown(f"the answer has no exit code; its status is {status or 'not told'!r}")
    return Signalled(-code) if code < 0 else Exited(code)


def _data(answer: HttpSeen, kind: type[T]) -> T:
    """Return what an envelope holds. Raises OperationError."""
    if answer.status != 200:
        raise _refusal(answer)
    try:
        envelope = msgspec.json.decode(answer.body, type=_Envelope)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        said = plain(answer.body[:400].decode("utf-8", "replace"), 120)
        raise OperationError("garbage", f"no JSON envelope but {said!r}") from error
    failure = _failure(envelope)
    if failure is not None:
        raise failure
    try:
        return msgspec.json.decode(envelope.data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise OperationError("garbage", f"the answer's data is not as its interface says: {error}") from error


def _failure(envelope: _Envelope) -> OperationError | None:
    try:
        error = msgspec.json.decode(envelope.data, type=_FileError)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        error = None
    if error is not None:
        kind = _ERRNO.get(error.errno or 0) or _TYPES.get(error.error_type.lower(), "refused")
        return OperationError(kind, plain(error.message))
    if not envelope.success:
        said = plain(envelope.message or "success is false")
        return OperationError(_kind_of(said), said)
    return None


def _kind_of(said: str) -> ErrorKind:
    low = said.lower()
    if "no such file" in low or "not found" in low or "not exist" in low:
        return "not-found"
    if "permission" in low or "read-only" in low:
        return "denied"
    return "refused"


def _refusal(answer: HttpSeen) -> OperationError:
    said = plain(answer.body[:2000].decode("utf-8", "replace"), 160)
    if "html" in answer.headers.get("content-type", "") and answer.status < 500:
        return OperationError("garbage", f"HTTP {answer.status} with a page of HTML: {said}", answer.status)
    return OperationError(_HTTP.get(answer.status, "refused"), f"HTTP {answer.status}: {said}", answer.status)
