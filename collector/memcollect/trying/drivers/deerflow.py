"""The driver `deerflow`: DeerFlow's own configured provider, through `deerflow_program` in its environment.

A provider's command gives one text and no exit; so an exit is never known here, and what DeerFlow's text says
of one is only shown. Its contract has no deletion: a sandbox is given back by `release`, and ended with the
provider's shutdown when the program ends.
"""

from __future__ import annotations

import base64
import itertools
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec
from msgspec import Struct, field

from memcollect.evidence.exits import Unknown
from memcollect.evidence.port import (
    Box,
    Content,
    ErrorKind,
    Level,
    Listing,
    Match,
    Matches,
    NotOfferedError,
    OperationError,
    Owner,
    Pattern,
    Ran,
)
from memcollect.sources.plain import plain, plain_end
from memcollect.trying.drivers import deerflow_program

BEGIN_SECONDS = 120.0
"""For the greeting: the provider's imports take 5 to 9 s on a quiet machine."""
_END_SECONDS = 60.0
_LAST_WORDS = 20
_LAST_WORDS_SECONDS = 2.0
_NO_EXIT = "DeerFlow's contract gives a text and no exit"


class Greeting(Struct, frozen=True):
    """The program's first line."""

    protocol: int
    provider: str
    users: bool = False


class Answer(Struct, frozen=True):
    """Any other line."""

    id: int
    error: str = ""
    said: str = ""
    name: str = ""
    text: str = ""
    data: str = ""
    paths: list[str] = field(default_factory=list)
    matches: list[tuple[str, int, str]] = field(default_factory=list)
    truncated: bool | None = None


class Program:
    """The program at work; may be asked from several threads."""

    def __init__(self, command: Sequence[str]) -> None:
        """Start it and wait for its greeting. Raises OperationError."""
        program = str(Path(deerflow_program.__file__))
        self._said: deque[str] = deque(maxlen=_LAST_WORDS)
        self._waiting: dict[int, _Waiting] = {}
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._begun = threading.Event()
        self.greeting: Greeting | None = None
        try:
            self._process = subprocess.Popen(  # noqa: S603 # the plan's author gave it for this
                [*command, program],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise OperationError(
                "transport", f"{command[0]} could not be started: {error.strerror}"
            ) from error
        readers = [
            threading.Thread(target=read, name="memcollect deerflow", daemon=True)
            for read in (self._answers, self._words)
        ]
        for each in readers:
            each.start()
        self._greeted(readers)

    def _greeted(self, readers: Sequence[threading.Thread]) -> None:
        if not self._begun.wait(BEGIN_SECONDS) or self.greeting is None:
            self.close()
            for each in readers:
                each.join(_LAST_WORDS_SECONDS)
            raise OperationError("transport", f"DeerFlow's provider did not start: {self._why()}")
        if self.greeting.protocol != deerflow_program.PROTOCOL:
            self.close()
            raise OperationError("garbage", f"it speaks protocol {self.greeting.protocol}, not ours")

    def ask(self, do: str, seconds: float, **more: Any) -> Answer:
        """Return the answer to a request. Raises OperationError, NotOfferedError."""
        waiting, number = _Waiting(), next(self._ids)
        line = msgspec.json.encode({"id": number, "do": do, **more}) + b"\n"
        with self._lock:
            self._waiting[number] = waiting
            try:
                assert self._process.stdin is not None  # noqa: S101 # it was asked for
                self._process.stdin.write(line)
                self._process.stdin.flush()
            except (OSError, ValueError) as error:
                raise OperationError("transport", f"DeerFlow's program has ended: {self._why()}") from error
        if not waiting.ended.wait(seconds):
            raise OperationError("timeout", f"the provider did not answer within {seconds:g} s")
        answer = waiting.answer
        if answer is None:
            raise OperationError("transport", f"DeerFlow's program has ended: {self._why()}")
        if answer.error == "not-offered":
            raise NotOfferedError(plain(answer.said))
        if answer.error:
            known: ErrorKind = answer.error if answer.error in get_args(ErrorKind) else "refused"  # type: ignore[assignment]
            raise OperationError(known, plain(answer.said))
        return answer

    def close(self) -> None:
        """Let it shut the provider down, and end it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 # it was asked for
        with self._process.stdout as lines:
            for line in lines:
                self._take(line)
        self._begun.set()
        for waiting in list(self._waiting.values()):
            waiting.ended.set()

    def _take(self, line: bytes) -> None:
        try:
            if self.greeting is None:
                self.greeting = msgspec.json.decode(line, type=Greeting)
                self._begun.set()
                return
            answer = msgspec.json.decode(line, type=Answer)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self._said.append(f"a line that is no answer: {line[:200]!r}")
            return
        waiting = self._waiting.pop(answer.id, None)
        if waiting is not None:
            waiting.answer = answer
            waiting.ended.set()

    def _words(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 # it was asked for
        with self._process.stderr as lines:
            for line in lines:
                self._said.append(line.decode("utf-8", "replace").strip())

    def _why(self) -> str:
        return plain_end(" ".join(self._said), 300) or "it said nothing"


class _Waiting:
    def __init__(self) -> None:
        self.ended = threading.Event()
        self.answer: Answer | None = None


class DeerflowProvider:
    """DeerFlow's provider as the trial's."""

    makes = True
    releases = True

    def __init__(self, program: Program) -> None:
        self._program = program
        self._taken: set[str] = set()

    @property
    def knows_users(self) -> bool:
        """Whether its `acquire` takes a user."""
        return self._program.greeting is not None and self._program.greeting.users

    def acquire(self, key: str, owner: Owner, seconds: float) -> Box:
        """Ask for the thread's sandbox."""
        answer = self._program.ask("acquire", seconds, key=key, thread=owner.thread, user=owner.user)
        self._taken.add(key)
        return DeerflowBox(self._program, key, answer.name)

    def release(self, key: str, seconds: float) -> None:
        """Give it back."""
        self._taken.discard(key)
        self._program.ask("release", seconds, key=key)

    def destroy(self, key: str, seconds: float) -> None:
        """Give it back, and say that there is no deletion."""
        if key in self._taken:
            self.release(key, seconds)
        raise NotOfferedError(
            "DeerFlow's contract has no deletion: sandboxes end with the provider's shutdown"
        )

    def identity(self, key: str) -> str:  # noqa: ARG002 # the protocol's
        """Return "": an id is of the thread, and tells no instance from another."""
        return ""


class DeerflowBox:
    """One sandbox of DeerFlow's."""

    prefix = ""
    temp = "/tmp"  # noqa: S108 # the sandbox's own

    def __init__(self, program: Program, key: str, name: str) -> None:
        self._program = program
        self._key = key
        self.name = name

    def run(self, command: str, env: Mapping[str, str], limit: float | None, seconds: float) -> Ran:
        """Run a line of shell."""
        answer = self._ask("run", seconds, command=command, env=dict(env), limit=limit)
        return Ran(exit=Unknown(_NO_EXIT), stdout=_bytes(answer.text), level="provider")

    def read(self, path: str, first: int | None, last: int | None, seconds: float) -> Content:
        """Read text."""
        answer = self._ask("read", seconds, path=path, first=first, last=last)
        return Content(data=_bytes(answer.text), level="provider")

    def write(self, path: str, text: str, *, append: bool, seconds: float) -> Level:
        """Write text."""
        self._ask("write", seconds, path=path, text=text, append=append)
        return "provider"

    def put(self, path: str, data: bytes, seconds: float) -> Level:
        """Write bytes."""
        self._ask("put", seconds, path=path, data=base64.b64encode(data).decode())
        return "provider"

    def get(self, path: str, seconds: float) -> Content:
        """Read bytes."""
        answer = self._ask("get", seconds, path=path)
        try:
            return Content(data=base64.b64decode(answer.data, validate=True), level="provider")
        except ValueError as error:
            raise OperationError("garbage", f"the answer's data are no base64: {error}") from error

    def list(self, path: str, depth: int, seconds: float) -> Listing:
        """List a directory."""
        return Listing(paths=self._ask("list", seconds, path=path, depth=depth).paths, level="provider")

    def glob(self, path: str, pattern: str, most: int, seconds: float) -> Listing:
        """Find files."""
        answer = self._ask("glob", seconds, path=path, pattern=pattern, most=most)
        return Listing(paths=answer.paths, truncated=answer.truncated, level="provider")

    def grep(self, path: str, pattern: Pattern, seconds: float) -> Matches:
        """Search."""
        answer = self._ask(
            "grep",
            seconds,
            path=path,
            pattern=pattern.text,
            literal=pattern.literal,
            ignore_case=pattern.ignore_case,
            files=pattern.files,
            most=pattern.most,
        )
        found = [Match(path=path, number=number, line=line) for path, number, line in answer.matches]
        return Matches(matches=found, truncated=answer.truncated, level="provider")

    def close(self) -> None:
        """Nothing is held."""

    def _ask(self, do: str, seconds: float, **more: Any) -> Answer:
        return self._program.ask(do, seconds, key=self._key, **more)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
