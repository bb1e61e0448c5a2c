"""The drivers that are programs: DeerFlow's own provider, and what others publish for their sandboxes.

Each runs in the environment that has the package and speaks the protocol of `programs.speaking`. What a
package does not offer is done by commands in the sandbox, where these tell how they ended, and bears the
level "shell". A provider of DeerFlow's gives one text and no exit, so there an exit is never known, and what
its text says of one is only shown; its contract has no deletion: a sandbox is given back by `release`, and
ended with the provider's shutdown when the program ends.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec
from msgspec import Struct, field

from memcollect.evidence.exits import Exit, Exited, Signalled, TimedOut, Unknown
from memcollect.evidence.port import (
    NO_DELETION,
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
from memcollect.secrecy import remember_environment
from memcollect.sources.deadline import TICK_SECONDS, Stopped
from memcollect.sources.plain import plain, plain_end
from memcollect.trying.drivers.shell import ShellFiles
from memcollect.trying.programs import speaking

BEGIN_SECONDS = 120.0
"""For the greeting: the imports of DeerFlow's provider take 5 to 9 s on a quiet machine."""
_UNBEGUN_SECONDS = 60.0
_END_SECONDS = speaking.SHUTDOWN_SECONDS + 10.0
"""Docker waits ten seconds for each container that does not end by itself, and a run has some fifteen."""
_LAST_WORDS = 20
_LAST_WORDS_SECONDS = 2.0
_NO_EXIT = "DeerFlow's contract gives a text and no exit"
_PROGRAMS = Path(speaking.__file__).parent


class Greeting(Struct, frozen=True):
    """The program's first line."""

    protocol: int
    provider: str
    users: bool = False
    exits: bool = False
    deletes: bool = False
    releases: bool = True
    level: Level = "provider"
    offers: list[str] | None = None
    """None: everything."""
    environment: dict[str, str] = field(default_factory=dict)
    """What its package has set, from files that we do not read."""


class Answer(Struct, frozen=True):
    """Any other line."""

    id: int
    error: str = ""
    said: str = ""
    name: str = ""
    pod: str = ""
    """Of a sandbox: what its pod is called, where the package tells."""
    prefix: str = ""
    temp: str = "/tmp"  # noqa: S108 # the sandbox's own
    text: str = ""
    stderr: str | None = None
    code: int | None = None
    signal: int | None = None
    timed_out: bool = False
    data: str = ""
    paths: list[str] = field(default_factory=list)
    matches: list[tuple[str, int, str]] = field(default_factory=list)
    truncated: bool | None = None


class Program:
    """The program at work; may be asked from several threads."""

    def __init__(
        self,
        command: Sequence[str],
        driver: str,
        options: Mapping[str, str] | None = None,
        stopped: Stopped = lambda: False,
    ) -> None:
        """Start it and wait for its greeting. Raises OperationError."""
        words = [str(_PROGRAMS / f"ask_{driver.replace('-', '_')}.py")]
        if options is not None:
            words.append(msgspec.json.encode(options).decode())
        self._driver = driver
        self._said: deque[str] = deque(maxlen=_LAST_WORDS)
        self._waiting: dict[int, _Waiting] = {}
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._begun = threading.Event()
        self.greeting: Greeting | None = None
        try:
            self._process = subprocess.Popen(  # noqa: S603 # the plan's author gave it for this
                [*command, *words],
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
            threading.Thread(target=read, name="memcollect program", daemon=True)
            for read in (self._answers, self._words)
        ]
        for each in readers:
            each.start()
        self._greeted(readers, stopped)

    def _greeted(self, readers: Sequence[threading.Thread], stopped: Stopped) -> None:
        if not self._greets(stopped) or self.greeting is None:
            self.close()
            for each in readers:
                each.join(_LAST_WORDS_SECONDS)
            raise OperationError("transport", f"the driver {self._driver} did not start: {self._why()}")
        if self.greeting.protocol != speaking.PROTOCOL:
            self.close()
            raise OperationError("garbage", f"it speaks protocol {self.greeting.protocol}, not ours")

    def _greets(self, stopped: Stopped) -> bool:
        """Wait for its first line, or its end; return whether one came before it was too late."""
        until = time.monotonic() + BEGIN_SECONDS
        while not self._begun.wait(TICK_SECONDS):
            if stopped() or time.monotonic() > until:
                return False
        return True

    def ask(self, do: str, seconds: float, **more: Any) -> Answer:
        """Return the answer to a request. Raises OperationError, NotOfferedError."""
        waiting, number = _Waiting(), next(self._ids)
        line = msgspec.json.encode({"id": number, "do": do, "seconds": seconds, **more}) + b"\n"
        with self._lock:
            self._waiting[number] = waiting
            try:
                assert self._process.stdin is not None  # noqa: S101 # it was asked for
                self._process.stdin.write(line)
                self._process.stdin.flush()
            except (OSError, ValueError) as error:
                raise self._ended() from error
        if not waiting.ended.wait(seconds):
            raise OperationError("timeout", f"no answer within {round(seconds, 1):g} s")
        answer = waiting.answer
        if answer is None:
            raise self._ended()
        if answer.error == "not-offered":
            raise NotOfferedError(plain(answer.said))
        if answer.error:
            known: ErrorKind = answer.error if answer.error in get_args(ErrorKind) else "refused"  # type: ignore[assignment]
            raise OperationError(known, plain(answer.said))
        return answer

    @property
    def has_ended(self) -> bool:
        """Whether it is not at work any more, though nobody has closed it."""
        return self._process.poll() is not None

    def close(self) -> str:
        """Let it shut the provider down, and end it with all that it has started.

        Returns "", or a sentence where it had to be killed, so that its backend may still have what it made.
        """
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):  # of one that has ended, with a request unread
                self._process.stdin.close()
        seconds = _UNBEGUN_SECONDS if self.greeting is None else _END_SECONDS
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return (
                f"the program of the driver {self._driver} did not end within {seconds:g} s and was "
                "killed: what its backend still has of the run is not known"
            )
        finally:
            # Also where Ctrl-C comes a second time: nothing may go on without anybody to end it.
            if self._process.poll() is None:
                speaking.end_below(self._process.pid)
                self._process.kill()
                self._process.wait()
        return ""

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
                greeting = msgspec.json.decode(line, type=Greeting)
                remember_environment(greeting.environment)
                self.greeting = greeting
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

    def _ended(self) -> OperationError:
        return OperationError(
            "transport", f"the program of the driver {self._driver} has ended: {self._why()}"
        )

    def _why(self) -> str:
        return plain_end(" ".join(self._said), 300) or "it said nothing"


class _Waiting:
    def __init__(self) -> None:
        self.ended = threading.Event()
        self.answer: Answer | None = None


class ProgramProvider:
    """What a program asks, as the trial's provider."""

    makes = True

    def __init__(self, program: Program) -> None:
        assert program.greeting is not None  # noqa: S101 # it would not have started
        self._program = program
        self._greeting = program.greeting
        self._taken: set[str] = set()

    @property
    def knows_users(self) -> bool:
        """Whether its `acquire` takes a user."""
        return self._greeting.users

    @property
    def releases(self) -> bool:
        """Whether it can be given a sandbox back."""
        return self._greeting.releases

    @property
    def deletes(self) -> bool:
        """Whether it can delete a sandbox."""
        return self._greeting.deletes

    def acquire(self, key: str, owner: Owner, seconds: float) -> ProgramBox:
        """Ask for the thread's sandbox."""
        self._taken.add(key)
        answer = self._program.ask("acquire", seconds, key=key, thread=owner.thread, user=owner.user)
        return ProgramBox(self._program, self._greeting, key, answer)

    def release(self, key: str, seconds: float) -> None:
        """Give it back."""
        self._program.ask("release", seconds, key=key)
        if not self._greeting.deletes:
            self._taken.discard(key)

    def destroy(self, key: str, seconds: float) -> None:
        """Delete it; where there is no deletion give it back, and say so."""
        if self._greeting.deletes:
            self._program.ask("destroy", seconds, key=key)
            return
        if key in self._taken:
            self.release(key, seconds)
        raise NotOfferedError(NO_DELETION)

    def identity(self, key: str) -> str:  # noqa: ARG002 # the protocol's
        """Return "": an id is of the thread, and tells no instance from another."""
        return ""


class ProgramBox:
    """One sandbox that a program has taken."""

    def __init__(self, program: Program, greeting: Greeting, key: str, answer: Answer) -> None:
        self._program = program
        self._greeting = greeting
        self._key = key
        self._shell = ShellFiles(self._by_shell)
        self.name = answer.name
        self.pod = answer.pod
        self.prefix = answer.prefix
        self.temp = answer.temp

    def run(self, command: str, env: Mapping[str, str], limit: float | None, seconds: float) -> Ran:
        """Run a line of shell."""
        answer = self._ask("run", seconds, command=command, env=dict(env), limit=limit)
        stderr = None if answer.stderr is None else _bytes(answer.stderr)
        return Ran(exit=self._exit(answer), stdout=_bytes(answer.text), stderr=stderr, level=self._level)

    def read(self, path: str, first: int | None, last: int | None, seconds: float) -> Content:
        """Read text."""
        if not self._has("read" if first is None and last is None else "lines"):
            return self._shell.read(path, first, last, seconds)
        answer = self._ask("read", seconds, path=path, first=first, last=last)
        return Content(data=_bytes(answer.text), level=self._level)

    def write(self, path: str, text: str, *, append: bool, seconds: float) -> Level:
        """Write text."""
        if not self._has("append" if append else "write"):
            return self._shell.write(path, text, append=append, seconds=seconds)
        self._ask("write", seconds, path=path, text=text, append=append)
        return self._level

    def put(self, path: str, data: bytes, seconds: float) -> Level:
        """Write bytes."""
        if not self._has("put"):
            return self._shell.put(path, data, seconds)
        self._ask("put", seconds, path=path, data=base64.b64encode(data).decode())
        return self._level

    def get(self, path: str, seconds: float) -> Content:
        """Read bytes."""
        if not self._has("get"):
            return self._shell.get(path, seconds)
        answer = self._ask("get", seconds, path=path)
        try:
            return Content(data=base64.b64decode(answer.data, validate=True), level=self._level)
        except ValueError as error:
            raise OperationError("garbage", f"the answer's data are no base64: {error}") from error

    def list(self, path: str, depth: int, seconds: float) -> Listing:
        """List a directory."""
        if not self._has("list"):
            return self._shell.list(path, depth, seconds)
        return Listing(paths=self._ask("list", seconds, path=path, depth=depth).paths, level=self._level)

    def glob(self, path: str, pattern: str, most: int, seconds: float) -> Listing:
        """Find files."""
        if not self._has("glob"):
            return self._shell.glob(path, pattern, most, seconds)
        answer = self._ask("glob", seconds, path=path, pattern=pattern, most=most)
        return Listing(paths=answer.paths, truncated=answer.truncated, level=self._level)

    def grep(self, path: str, pattern: Pattern, seconds: float) -> Matches:
        """Search."""
        if not self._has("grep"):
            return self._shell.grep(path, pattern, seconds)
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
        return Matches(matches=found, truncated=answer.truncated, level=self._level)

    def close(self) -> None:
        """Nothing is held."""

    @property
    def _level(self) -> Level:
        return self._greeting.level

    def _has(self, operation: str) -> bool:
        """Return whether the package offers it; without exits a command could not stand for it."""
        offers = self._greeting.offers
        return offers is None or operation in offers or not self._greeting.exits

    def _exit(self, answer: Answer) -> Exit:
        if answer.timed_out:
            return TimedOut()
        if answer.signal is not None:
            return Signalled(answer.signal)
        if answer.code is not None:
            return Exited(answer.code)
        return Unknown("the package tells no exit" if self._greeting.exits else _NO_EXIT)

    def _by_shell(self, line: str, stdin: bytes | None, seconds: float, _keep_bytes: int) -> Ran:
        """Run a line of our own; none of the packages gives a command what it reads, so the line does."""
        if stdin is not None:
            line = f"printf %s {base64.b64encode(stdin).decode()} | base64 -d | {{ {line}\n}}"
        return self.run(line, {}, seconds, seconds)

    def _ask(self, do: str, seconds: float, **more: Any) -> Answer:
        return self._program.ask(do, seconds, key=self._key, **more)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
