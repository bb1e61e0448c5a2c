"""Workers that ask agents: they stay from round to round, and a hanging agent holds one of them alone."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from msgspec import Struct

from memcollect.sources.agents import Answer, Limits, Target, fetch_sample
from memcollect.sources.transport import Transport, TransportFactory
from memcollect_agent.wire import SampleRequest


class Question(Struct, frozen=True, kw_only=True):
    """Whom to ask for what."""

    target: Target
    request: SampleRequest


class Askers:
    """At most `limits.concurrency` daemon threads, made as they are needed.

    Each keeps its transport. A conversation with an agent has one deadline for all that is said in it, so
    every question is a conversation, and a port-forward, of its own.
    """

    def __init__(
        self, transports: TransportFactory, limits: Limits, arrived: Callable[[Answer], None]
    ) -> None:
        self._transports = transports
        self._limits = limits
        self._arrived = arrived
        self._todo: queue.SimpleQueue[Question | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._unanswered = 0

    def ask(self, question: Question) -> None:
        """Have a question asked; its answer, good or bad, is handed to `arrived` in another thread."""
        with self._lock:
            self._unanswered += 1
            if self._unanswered > len(self._threads) < self._limits.concurrency:
                self._start()
        self._todo.put(question)

    def close(self) -> None:
        """Let the workers end once they have their answers."""
        for _ in self._threads:
            self._todo.put(None)

    def _start(self) -> None:
        name = f"memcollect agent asker {len(self._threads)}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        transport: Transport = self._transports()
        try:
            while (question := self._todo.get()) is not None:
                answer = fetch_sample(question.target, question.request, transport, self._limits)
                with self._lock:
                    self._unanswered -= 1
                self._arrived(answer)
        finally:
            transport.close()
