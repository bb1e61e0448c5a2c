"""Reads that do not come back: their thread is given up, and its work is begun anew in another.

A thread that waits in the kernel, for a lock or for a file system that does not answer, cannot be ended
from outside. So work that reads much runs in a thread of its own, while who asked for it looks on. When one
read takes too long the thread is given up, its file is refused to whoever comes after it (HangingError, a
file that cannot be read), and the work is begun anew without that file. When the read comes back its thread
ends, before it touches anything, and the file is read again.

A read costs a few assignments for it, and a piece of work a thread.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar

from memcollect_agent.errors import HangingError, StalledError
from memcollect_agent.redact import visible

_log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

HANGING_SECONDS = 5.0
"""For one read of a thread that does not work meanwhile; all of a node's take less than a second."""
WORKING_SECONDS = 0.01
"""Of CPU time that show a thread at work: the page tables of a large process are walked for seconds."""
LOOKS = 10
"""So often is looked at a thread before it is given up."""
MOST = 8
"""Threads that are given up and have not ended: beyond it nothing is begun, lest each try costs one more."""
CROWD = 2
"""Of a directory in which so many files hang no file is read: all of them may."""


class GivenUpError(BaseException):
    """Nobody waits for this thread any more. Not an Exception: nothing but the thread's end may follow."""


class _Thread(threading.local):
    attempt: "_Attempt[Any] | None" = None


_here = _Thread()


class _Unwatched:
    """What is read while nobody looks on."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


_unwatched = _Unwatched()


def reading(path: str, *, alone: bool = False) -> "_Attempt[Any] | _Unwatched":
    """Begin a read of `path`: what a with statement holds. Raises HangingError where one hangs already.

    `alone` is set for what is no file of a directory among others: another one's hanging says nothing of it.
    """
    attempt = _here.attempt
    if attempt is None:
        return _unwatched
    attempt.begin(path, alone=alone)
    return attempt


class _Attempt(Generic[T]):
    """Work in a thread, and what it reads."""

    def __init__(self, watch: "Watch", work: Callable[[], T]) -> None:
        self.path = ""
        """What is read; "" between two reads."""
        self.reads = 0
        self.since = 0.0
        self.given_up = False
        self.hangs_at = ""
        """What it read when it was given up."""
        self.clock: int | None = None
        """Its CPU time's: looked up by the thread itself, since of an ended one nothing may be asked."""
        self.done = threading.Event()
        self.result: list[T] = []
        self.error: BaseException | None = None
        self._watch = watch
        self._work = work

    def begin(self, path: str, *, alone: bool) -> None:
        if self.given_up:
            raise GivenUpError
        self._watch.require_answering(path, alone=alone)
        self.reads += 1
        self.path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self.path = ""
        if self.given_up:
            raise GivenUpError

    def run(self) -> None:
        _here.attempt = self
        self.clock = time.pthread_getcpuclockid(threading.get_ident())
        try:
            self.result.append(self._work())
        except BaseException as error:  # noqa: BLE001 - who waits for it raises it again
            self.error = error
        finally:
            self.done.set()
            self._watch.ended(self)

    def is_lost(self, hanging_seconds: float) -> bool:
        """Wait for its end; return whether it was given up instead."""
        mark, reads, worked = time.monotonic(), 0, 0.0
        while not self.done.wait(hanging_seconds / LOOKS):
            # Under this name serve.waiting finds what the thread that waits here waits for.
            path = self.path
            now, cpu = time.monotonic(), self._worked()
            if not path or reads != self.reads or cpu - worked > WORKING_SECONDS:
                mark, reads, worked = now, self.reads, cpu
            elif now - mark >= hanging_seconds and self._gives_up(path, reads, mark):
                return True
        return isinstance(self.error, GivenUpError)

    def outcome(self) -> T:
        if self.error is not None:
            raise self.error
        return self.result[0]

    def _gives_up(self, path: str, reads: int, since: float) -> bool:
        """Give it up unless the read has ended meanwhile: the thread looks at the flag after that."""
        self.given_up = True
        if self.path == path and self.reads == reads:
            self.hangs_at, self.since = path, since
            return True
        self.given_up = False
        return False

    def _worked(self) -> float:
        try:
            return 0.0 if self.clock is None else time.clock_gettime(self.clock)
        except OSError:
            return 0.0  # it has just ended


class Watch:
    """Runs work, and knows which files hang. Thread-safe."""

    def __init__(self, hanging_seconds: float = HANGING_SECONDS, most: int = MOST) -> None:
        self._hanging_seconds = hanging_seconds
        self._most = most
        self._lock = threading.Lock()
        self._lost: list[_Attempt[Any]] = []
        """Those that were given up and have not ended, the oldest first."""
        self._refused: dict[str, _Attempt[Any]] = {}
        """By the path of what each of them reads."""
        self._crowds: frozenset[str] = frozenset()

    def run(self, work: Callable[[], T], given_up: Callable[[], None] = lambda: None) -> T:
        """Return what `work` returns, begun anew as often as a read hangs; `given_up` is called before that.

        Raises StalledError where too many threads hang already, and whatever `work` raises.
        """
        while True:
            if why := self.exhausted():
                raise StalledError(why)
            attempt = _Attempt(self, work)
            try:
                threading.Thread(target=attempt.run, name="memcollect work", daemon=True).start()
            except RuntimeError as error:
                raise StalledError("the system lets it have no further thread") from error
            if not attempt.is_lost(self._hanging_seconds):
                return attempt.outcome()
            if attempt.given_up:
                self._lose(attempt)
                given_up()

    def watched(self, work: Callable[P, T]) -> Callable[P, T]:
        """Return `work`, with each of its calls run so."""

        def worked(*args: P.args, **kwargs: P.kwargs) -> T:
            return self.run(lambda: work(*args, **kwargs))

        return worked

    def hanging(self) -> str:
        """Return in a sentence which reads have not come back; "" where there is none."""
        with self._lock:
            lost = list(self._lost)
        if not lost:
            return ""
        others = len(lost) - 1
        more = f", and {others} more {'have' if others > 1 else 'has'} not" if others else ""
        return f"a read of {_shown(lost[0])} has not come back for {_seconds(lost[0])} s{more}"

    def exhausted(self) -> str:
        """Return in a sentence why nothing is begun; "" while something is."""
        return f"{self.hanging()}: nothing is read until one does" if len(self._lost) >= self._most else ""

    def require_answering(self, path: str, *, alone: bool = False) -> None:
        """Raise HangingError where a read of the file, or of enough others beside it, hangs."""
        if not self._lost:
            return
        lost = self._refused.get(path)
        if lost is not None:
            raise HangingError(path, f"a read of it has not come back for {_seconds(lost)} s")
        if not alone and _directory(path) in self._crowds:
            raise HangingError(path, f"reads of {CROWD} files beside it have not come back")

    def ended(self, attempt: _Attempt[T]) -> None:
        """Let what was given up for it be read again: its thread has ended."""
        with self._lock:
            if attempt not in self._lost:
                return
            self._lost.remove(attempt)
            self._note()
        _log.warning(
            "a read of %s came back after %d s: it is read again", _shown(attempt), _seconds(attempt)
        )

    def _lose(self, attempt: _Attempt[T]) -> None:
        with self._lock:
            if attempt.done.is_set():
                return
            self._lost.append(attempt)
            self._note()
        _log.warning(
            "a read of %s has not come back for %d s: it is left out until it does",
            _shown(attempt),
            _seconds(attempt),
        )

    def _note(self) -> None:
        self._refused = {attempt.hangs_at: attempt for attempt in self._lost}
        counted = Counter(map(_directory, self._refused))
        self._crowds = frozenset(directory for directory, files in counted.items() if files >= CROWD)


def _seconds(attempt: _Attempt[T]) -> int:
    return round(time.monotonic() - attempt.since)


def _shown(attempt: _Attempt[T]) -> str:
    return visible(attempt.hangs_at)[:200]


def _directory(path: str) -> str:
    return path.rpartition("/")[0]
