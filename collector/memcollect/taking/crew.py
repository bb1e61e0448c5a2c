"""Whole nodes joined and explained in processes of their own: bytes in, finished lines and totals out.

Each process has a pipe of its own and one node at a time. It ends with its pipe, and so with us, whatever
ends us. What one could not do, or took with it when it was killed, comes back undone: the caller does it. So
do, in their places, the nodes that gave no answer.

A process is forked where that is safe, for then it is there at once, with all modules loaded; else it is
spawned, and loads what this module needs.
"""

from __future__ import annotations

import errno
import gc
import multiprocessing
import os
import signal
import socket
import struct
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from memcollect.documents.snapshot import Depth, Missing, Pod
from memcollect.explain import explain_pod
from memcollect.explain.deserving import deserving
from memcollect.explain.reduced import reduced
from memcollect.explain.summary import Totals
from memcollect.join import NO_CGROUP, ClusterFacts, join_node
from memcollect.join.contained import IMPOSSIBLE
from memcollect.services import Entry, with_services
from memcollect.sources.agent_http import AgentFailure, decoded
from memcollect.sources.agents import Answer, endpoint_of
from memcollect.taking import allowed
from memcollect.taking.chosen import Candidate, beats
from memcollect.taking.listed import Packed
from memcollect.termination import SIGNALS
from memcollect_agent import wire

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

WORTH_NODES = 100
"""From as many nodes on: to spawn a process, where none can be forked, takes as long as to explain ten."""
MOST_JOBS = 16
"""One process reads all answers and writes all lines: more explainers than that it cannot feed."""
JOB_BYTES = 192 << 20
"""What one process may need: its modules, an answer of many processes, and what is made of it."""
_STANDARD_STREAMS = (0, 1, 2)
_PATIENCE_SECONDS = 60
"""For a process with one node. A large one takes a second; what is stopped, or hangs, answers never."""

STUCK = f"no answer for {_PATIENCE_SECONDS} s"


@dataclass(frozen=True)
class Work:
    """One node: the pods that were listed on it and what came of its agent, an answer not decoded."""

    answer: Answer
    pods: Packed
    facts: ClusterFacts
    depth: Depth = "full"
    floors: Mapping[str, int] = field(default_factory=dict)
    """At depth summary: what is not heavier than these is not told in full (Chosen.floors)."""


@dataclass(frozen=True)
class Finished:
    """A node's pods, explained: each as its line of the document, or at depth summary both of them."""

    lines: list[bytes]
    candidates: list[Candidate]
    totals: Totals
    missing: list[Missing]
    node: wire.Node | None


def jobs_here(nodes: int) -> int:
    """Return how many processes so many nodes are worth here: by CPUs and memory that are to be had."""
    if nodes < WORTH_NODES:
        return 1
    by_memory = allowed.memory_bytes() // 2 // JOB_BYTES
    return max(1, min(allowed.cpus(), by_memory, MOST_JOBS))


def may_fork() -> bool:
    """Return whether this process may be forked: on Linux, while it has one thread.

    What another thread has locked, a fork has locked for ever; and a library's threads are threads, too.
    """
    return sys.platform == "linux" and len(list(Path("/proc/self/task").iterdir())) == 1


def done(work: Work, table: Sequence[Entry]) -> Finished | None:
    """Return the node, finished; None where its answer is not what most are, and wants to be looked into."""
    try:
        target = work.answer.target
        sample = decoded(work.answer.content or b"", wire.NodeSample, endpoint_of(target))
        joined = join_node(target.node, work.pods.unpacked(), sample, work.facts)
        if any(gap.reason == NO_CGROUP for gap in joined.missing):
            return None  # the API is to be asked what became of it
        totals = Totals()
        lines, candidates = [], []
        for row in joined.told(joined.missing):
            if work.depth == "summary":
                pod = explain_pod(row, joined.node, depth="summary")
                candidates.append(_candidate(row, pod, joined.node, work.floors))
            else:
                pod = explain_pod(row, joined.node)
                lines.append(msgspec.json.encode(with_services(pod, table)))
            totals.add(pod)
    except (AgentFailure, *IMPOSSIBLE):
        return None
    return Finished(lines, candidates, totals, joined.missing, joined.node)


def _candidate(row: Pod, pod: Pod, node: wire.Node | None, floors: Mapping[str, int]) -> Candidate:
    """Return the pod as its two lines; only the shorter one where it is not among the heaviest anyhow."""
    summary = msgspec.Raw(msgspec.json.encode(reduced(pod)))
    weights = deserving(pod)
    if not beats(weights, floors):
        return Candidate(summary)
    return Candidate(summary, msgspec.Raw(msgspec.json.encode(explain_pod(row, node))), weights)


class Crew:
    """The processes of one snapshot. Without any, or with all of them gone, everything comes back undone."""

    def __init__(self, jobs: int | None, table: Sequence[Entry]) -> None:
        """Start none yet: `jobs`, or where it is None as many as the nodes are worth."""
        self._jobs = jobs
        self._table = table
        self._idle: list[Connection] = []
        self._busy: dict[Connection, _Task] = {}
        self._order: deque[_Task] = deque()
        self._processes: dict[Connection, BaseProcess] = {}
        self._most = 0
        self.begun = 0
        """How many there were at first."""
        self.lost: list[str] = []
        """How each process ended, or was ended, that was gone before its work was done."""
        self.not_begun = ""
        """Why there are no processes though there should be, in the system's words."""

    def start(self, nodes: int) -> None:
        """Start the processes for so many nodes."""
        jobs = self._jobs or jobs_here(nodes)
        # Ctrl-C reaches the whole group of processes, and one that has just begun would die of it aloud. A
        # forked one would meet the others with our handlers.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, *SIGNALS})
        try:
            for _ in range(jobs if jobs > 1 else 0):
                self._start_one()
        except OSError as error:  # too few descriptors, say, and they are wanted for agents, too
            self.close()
            self.not_begun = error.strerror or str(error)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self.begun = len(self._processes)
        self._most = 2 * self.begun

    def _start_one(self) -> None:
        ours, theirs = multiprocessing.Pipe()
        with closing(theirs):
            _give_up_sending(ours)
            process = _process((theirs, self._table))
            self._processes[ours] = process
            process.start()
        self._idle.append(ours)

    @property
    def is_there(self) -> bool:
        """Whether there is a process to give work to."""
        return bool(self._idle or self._busy)

    def give(self, work: Work) -> Iterator[tuple[Work, Finished | None]]:
        """Hand a node over, once a process is free; yield what is finished by then, in the order given.

        One without an answer needs no process, and only waits for its turn.
        """
        task = _Task(work, is_over=work.answer.content is None)
        self._order.append(task)
        while self._busy and (len(self._order) > self._most or not (self._idle or task.is_over)):
            self._collect()
            yield from self._in_order()
        self._send(task)
        yield from self._in_order()

    def rest(self) -> Iterator[tuple[Work, Finished | None]]:
        """Yield all that is still under way."""
        while self._busy:
            yield from self._in_order()
            self._collect()
        yield from self._in_order()

    def close(self) -> None:
        """End the processes. They have nothing to tidy up, and one that is stopped heeds no other signal."""
        for connection, process in self._processes.items():
            connection.close()
            if process.pid is not None:
                process.kill()
                process.join()
        self._idle.clear()
        self._busy.clear()
        self._processes.clear()

    def _send(self, task: _Task) -> None:
        while self._idle and not task.is_over:
            connection = self._idle.pop()
            try:
                connection.send(task.work)
            except OSError as error:  # it is gone, or takes nothing
                self._lose(connection, is_stuck=error.errno == errno.EAGAIN)
                continue
            self._busy[connection] = task
            return
        task.is_over = True

    def _collect(self) -> None:
        """Wait for a process to answer, or to be gone; end those that do neither."""
        ready = self._ready()
        for connection in ready or list(self._busy):
            task = self._busy.pop(connection)
            task.is_over = True
            if not ready:
                self._lose(connection, is_stuck=True)
                continue
            try:
                task.finished = connection.recv()
            except (EOFError, OSError):
                self._lose(connection)
            else:
                self._idle.append(connection)

    def _ready(self) -> list[Connection]:
        """Return whose answers are there; none where none comes for a long time, second by second.

        While this process itself is stopped, as by Ctrl-Z, at most one second passes by that count.
        """
        for _ in range(_PATIENCE_SECONDS):
            ready = [each for each in wait(list(self._busy), 1.0) if isinstance(each, Connection)]
            if ready:
                return ready
        return []

    def _lose(self, connection: Connection, *, is_stuck: bool = False) -> None:
        connection.close()
        process = self._processes.pop(connection)
        if not is_stuck:
            process.join(1.0)  # its pipe goes a moment before it
        process.kill()
        process.join()
        self.lost.append(STUCK if is_stuck else _ending(process.exitcode or 0))

    def _in_order(self) -> Iterator[tuple[Work, Finished | None]]:
        while self._order and self._order[0].is_over:
            task = self._order.popleft()
            yield task.work, task.finished


@dataclass
class _Task:
    """A node under way. `finished` stays None where no process could do it."""

    work: Work
    is_over: bool = False
    finished: Finished | None = None


def _ending(code: int) -> str:
    """Return how a process ended, by its exit code."""
    if code == -signal.SIGKILL:
        return "killed, as the kernel does where memory is short"
    if code == errno.ENOMEM:
        return "out of memory"
    return f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}"


def _give_up_sending(connection: Connection) -> None:
    """Have a write end with EAGAIN where the other end takes nothing for a long time."""
    with socket.socket(fileno=os.dup(connection.fileno())) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", _PATIENCE_SECONDS, 0))


def _process(given: tuple[Connection, Sequence[Entry]]) -> BaseProcess:
    name = "memcollect explainer"
    if may_fork():
        forked = multiprocessing.get_context("fork")
        return forked.Process(target=_work_forked, args=given, name=name, daemon=True)
    return multiprocessing.get_context("spawn").Process(target=_work, args=given, name=name, daemon=True)


def _work_forked(connection: Connection, table: Sequence[Entry]) -> None:
    """Let go of what a fork has of ours, then work.

    Its copies of the other processes' pipes would keep these alive, and that of a connection would keep it
    open for its other end.
    """
    for each in SIGNALS:
        if callable(signal.getsignal(each)):  # one that is ignored, as under nohup, stays so
            signal.signal(each, signal.SIG_DFL)
    kept = {*_STANDARD_STREAMS, connection.fileno()}
    for number in {int(each.name) for each in Path("/proc/self/fd").iterdir()} - kept:
        with suppress(OSError):  # the listing's own is closed by now
            os.close(number)
    _work(connection, table)


def _work(connection: Connection, table: Sequence[Entry]) -> None:
    """Do what comes through the pipe until it is closed. Ctrl-C is for who holds the other end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    gc.freeze()  # what was loaded stays: it need not be walked again with every node
    with suppress(EOFError, OSError):
        try:
            while True:
                _do(connection, table)
        except MemoryError:  # half of something is in the pipe
            sys.exit(errno.ENOMEM)


def _do(connection: Connection, table: Sequence[Entry]) -> None:
    work: Work = connection.recv()
    try:
        finished = done(work, table)
    except Exception:  # noqa: BLE001 # a fault of ours: the other end meets it again, and tells of it
        finished = None
    connection.send(finished)
