"""What the agent did since it started, and what that cost: counters that only grow."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from msgspec import Struct, field

from memcollect_agent.wire import NodeSample, Problem, ProcessSums

P = ParamSpec("P")
T = TypeVar("T")

KINDS = frozenset({"pod", "container", "process", "node", "request"})
REASONS = frozenset({"gone", "denied", "unreadable", "budget", "not-found", "unsupported"})
SKIPPED = frozenset({"denied", "budget", "ceiling", "unreadable", "unsupported"})


class Spent(Struct):
    """The cost of one activity so far."""

    times: int = 0
    failed: int = 0
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0


class Account(Struct):
    """A copy of everything that was counted."""

    spent: dict[str, Spent] = field(default_factory=dict)
    """By activity: "scrape", "sample", "pss"."""
    problems: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By kind and reason, both of the wire's words, anything else being "other"."""
    processes: Counter[str] = field(default_factory=Counter)
    """By outcome: "read", "vanished", "zombie", "kernel-thread", or why it was skipped."""
    cgroups_vanished: int = 0


class Ledger:
    """Counts. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._account = Account()

    def timed(self, activity: str, work: Callable[P, T]) -> Callable[P, T]:
        """Return `work`, with each of its calls charged to `activity`."""
        with self._lock:
            self._account.spent.setdefault(activity, Spent())

        def worked(*args: P.args, **kwargs: P.kwargs) -> T:
            # thread_time: the work is done in the thread that asks for it.
            wall, cpu, failed = time.monotonic(), time.thread_time(), True
            try:
                result = work(*args, **kwargs)
                failed = False
            finally:
                self._spend(activity, time.monotonic() - wall, time.thread_time() - cpu, failed=failed)
            return result

        return worked

    def sampled(self, work: Callable[P, NodeSample]) -> Callable[P, NodeSample]:
        """Return `work`, with the problems and processes of its samples counted."""

        def worked(*args: P.args, **kwargs: P.kwargs) -> NodeSample:
            sample = work(*args, **kwargs)
            self.note_problems(sample.problems)
            with self._lock:
                for pod in sample.pods:
                    for sums in (pod.own_sums, *(container.sums for container in pod.containers)):
                        self._account.processes.update(_outcomes(sums))
            return sample

        return worked

    def note_problems(self, problems: list[Problem]) -> None:
        """Count problems; the words of a label are few and known, whatever a problem says."""
        words = [(_word(p.kind, KINDS), _word(p.reason, REASONS)) for p in problems]
        with self._lock:
            self._account.problems.update(words)

    def note_vanished(self, cgroups: int) -> None:
        """Count cgroups that were removed while they were read."""
        with self._lock:
            self._account.cgroups_vanished += cgroups

    def account(self) -> Account:
        """Return a copy of what was counted so far."""
        with self._lock:
            mine = self._account
            return Account(
                spent={
                    name: Spent(one.times, one.failed, one.wall_seconds, one.cpu_seconds)
                    for name, one in mine.spent.items()
                },
                problems=Counter(mine.problems),
                processes=Counter(mine.processes),
                cgroups_vanished=mine.cgroups_vanished,
            )

    def _spend(self, activity: str, wall: float, cpu: float, *, failed: bool) -> None:
        with self._lock:
            spent = self._account.spent[activity]
            spent.times += 1
            spent.failed += failed
            spent.wall_seconds += wall
            spent.cpu_seconds += cpu


def _word(word: str, known: frozenset[str]) -> str:
    return word if word in known else "other"


def _outcomes(sums: ProcessSums) -> Counter[str]:
    counted = Counter(
        {
            "read": sums.read,
            "vanished": sums.vanished,
            "zombie": sums.zombies,
            "kernel-thread": sums.kernel_threads,
            "skipped-unlisted": sums.skipped_unlisted,
        }
    )
    counted.update(_word(process.reason, SKIPPED) for process in sums.skipped)
    return counted
