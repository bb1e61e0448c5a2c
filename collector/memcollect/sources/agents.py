"""Samples from many agents at once: bounded, each with its own deadline, none spoiling another's."""

import contextlib
import queue
import threading
from collections.abc import Callable, Generator, Sequence

import msgspec
from msgspec import Struct

from memcollect.model import Missing
from memcollect.sources.agent_http import LARGEST_BYTES, AgentConversation, AgentFailure
from memcollect.sources.agent_pods import AgentPod
from memcollect.sources.deadline import Deadline
from memcollect.sources.plain import plain
from memcollect.sources.transport import Endpoint, Transport, TransportFactory
from memcollect_agent.wire import NodeSample, SampleRequest

SAMPLE_PATH = "/v1/sample"
_BUDGET_SHARE = 0.8
"""Of an agent's deadline that it may spend on measuring; the rest is for the way there and back."""
_READY = 4
"""Decoded answers that may lie ready beside the one that is being decoded."""
_TICK = 0.2
"""Seconds between two looks for Ctrl-C: a wait without end cannot be interrupted everywhere."""


class Target(Struct, frozen=True, kw_only=True):
    """A node to ask, and which of its pods; `agent` is None where it has none."""

    node: str
    agent: AgentPod | None
    pod_uids: Sequence[str] | None = None
    """As their cgroups name them (`kube.Pod.cgroup_uid`); None: every pod of the node."""


class Answer(Struct, frozen=True, kw_only=True):
    """What came of one target: a sample, or why there is none."""

    target: Target
    sample: NodeSample | None = None
    failure: Missing | None = None


class Limits(Struct, frozen=True, kw_only=True):
    """What a fetch may take."""

    concurrency: int = 32
    """Agents asked at once; see descriptors.most_workers for the most that port-forwarding can."""
    timeout: float = 30.0
    """Seconds for one agent: the way to it, its measuring and its answer together."""
    largest_bytes: int = LARGEST_BYTES
    """Of one answer."""


Progress = Callable[[int, int], None]
"""Called with how many targets are done, and of how many."""


def fetch_samples(  # noqa: PLR0913 - half of them have a default
    targets: Sequence[Target],
    request: SampleRequest,
    transports: TransportFactory,
    limits: Limits | None = None,
    on_progress: Progress = lambda _done, _of: None,
    *,
    stopped: Callable[[], bool] = lambda: False,
) -> Generator[Answer, None, None]:
    """Yield an answer for every target, in the order in which they come.

    `request` is sent to each with the target's own pods, its time budget cut to what the timeout allows.
    Raises nothing for an agent. When the iteration is left early, by Ctrl-C or `close()`, or ends early
    since `stopped` says so while it waits, no further agent is asked, those under way are left to their
    deadlines in the background, and what was yielded is good.
    """
    limits = limits or Limits()
    fetch = _Fetch(targets, request, transports, limits)
    fetch.start(max(1, min(limits.concurrency, len(targets))))
    try:
        for done in range(1, len(targets) + 1):
            answer = fetch.next(stopped)
            if answer is None:
                return
            on_progress(done, len(targets))
            yield answer
    finally:
        fetch.stop()


class _Fetch:
    """The workers of one fetch: daemon threads, so that an interrupted program ends at once."""

    def __init__(
        self,
        targets: Sequence[Target],
        request: SampleRequest,
        transports: TransportFactory,
        limits: Limits,
    ) -> None:
        budget = min(request.time_budget_seconds, limits.timeout * _BUDGET_SHARE)
        self._request = msgspec.structs.replace(request, time_budget_seconds=budget)
        self._transports = transports
        self._limits = limits
        self._todo: queue.SimpleQueue[Target] = queue.SimpleQueue()
        for target in targets:
            self._todo.put(target)
        # Whoever explains may be slower than all agents together, and a decoded answer takes megabytes:
        # the workers wait with theirs, all but one of them with its mere bytes.
        self._answers: queue.Queue[Answer] = queue.Queue(_READY)
        self._decoding = threading.Lock()
        self._stopped = threading.Event()

    def start(self, workers: int) -> None:
        for number in range(workers):
            name = f"memcollect agent worker {number}"
            threading.Thread(target=self._work, name=name, daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def next(self, stopped: Callable[[], bool]) -> Answer | None:
        """Return the next answer; None where none is there and the wait was stopped."""
        while True:
            if stopped():
                # First of all: quick agents would else keep the answers coming.
                self.stop()
            over = self._stopped.is_set()
            try:
                return self._answers.get(timeout=0 if over else _TICK)
            except queue.Empty:
                if over:
                    return None

    def _work(self) -> None:
        transport = self._transports()
        turn = _Turn(self._decoding)
        try:
            while not self._stopped.is_set():
                target = self._todo.get_nowait()
                with turn:
                    self._hand_over(self._answer(target, transport, turn))
        except queue.Empty:
            return
        finally:
            transport.close()

    def _hand_over(self, answer: Answer) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(queue.Full):
                self._answers.put(answer, timeout=_TICK)
                return

    def _answer(self, target: Target, transport: Transport, turn: "_Turn") -> Answer:
        try:
            return Answer(target=target, sample=self._sample(target, transport, turn))
        except AgentFailure as failure:
            reason, detail = failure.reason, str(failure)
        except Exception as error:  # noqa: BLE001 # a fault of ours with one agent must not lose the others
            reason, detail = "agent-error", f"Asking failed: {plain(repr(error))}; please report this."
        missing = Missing(kind="node", name=target.node, node=target.node, reason=reason, detail=detail)
        return Answer(target=target, failure=missing)

    def _sample(self, target: Target, transport: Transport, turn: "_Turn") -> NodeSample:
        endpoint = _endpoint(target)
        uids = None if target.pod_uids is None else list(target.pod_uids)
        request = msgspec.structs.replace(self._request, pod_uids=uids)
        deadline = Deadline(self._limits.timeout)
        limit = self._limits.largest_bytes
        with AgentConversation(transport, endpoint, deadline, largest_bytes=limit) as agent:
            return agent.ask("POST", SAMPLE_PATH, NodeSample, request, turn.take)


class _Turn:
    """A worker's turn to decode and hand over, which it takes when it needs it and gives back in the end."""

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self._taken = False

    def take(self) -> None:
        self._lock.acquire()
        self._taken = True

    def __enter__(self) -> None:
        return

    def __exit__(self, *_: object) -> None:
        if self._taken:
            self._taken = False
            self._lock.release()


def _endpoint(target: Target) -> Endpoint:
    agent = target.agent
    if agent is None:
        raise AgentFailure(
            "no-agent",
            f"Node {plain(target.node)} has no memcollect agent: see `kubectl get daemonset -A` and deploy/.",
        )
    if agent.problem:
        raise AgentFailure(
            "agent-not-ready",
            f"The agent of node {plain(target.node)} cannot be asked, {agent.problem}: "
            f"see `kubectl describe pod -n {agent.namespace} {agent.name}`.",
        )
    return Endpoint(namespace=agent.namespace, pod=agent.name, port=agent.port, node=target.node)
