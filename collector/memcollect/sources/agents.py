"""Samples from many agents at once: bounded, each with its own deadline, none spoiling another's."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from random import random

import msgspec
from msgspec import Struct

from memcollect.documents.snapshot import Missing
from memcollect.errors import NO_THREADS, lacks_threads
from memcollect.sources.agent_http import LARGEST_BYTES, AgentConversation, AgentFailure, decoded
from memcollect.sources.agent_pods import AgentPod
from memcollect.sources.deadline import Deadline, Stopped, pause
from memcollect.sources.plain import plain
from memcollect.sources.transport import Endpoint, Transport, TransportFactory
from memcollect_agent.wire import DEFAULT_CEILING_BYTES, NodeSample, SampleRequest

SAMPLE_PATH = "/v1/sample"
_GONE = frozenset({"not-found", "gone"})
"""Reasons of an agent for a pod without a cgroup (measure/discover.py, measure/sample.py)."""
_BUDGET_SHARE = 0.8
"""Of an agent's deadline that it may spend on measuring; the rest is for the way there and back."""
MOST_WAITING_BYTES = 64 << 20
"""Of answers that have come and wait to be taken: undecoded, for decoded they take several times as much.

Deflated answers of some 1,100 to 3,100 nodes: agents are asked while they still remember the moment of
kubectl top's sample, though explaining takes longer (docs/scale.md).
"""
HISTORY_MARGIN_SECONDS = 10.0
"""History is asked for from this long before the earliest metrics sample of a node's pods."""
_LEAST_ASKING_SECONDS = 1.0
"""Of an agent's deadline that must be left where a busy one is asked again."""
_SPREAD_SHARE = 0.5
"""Of what else is left then: at most so much may go to spreading those who were refused together."""
_TICK = 0.2
"""Seconds between two looks for Ctrl-C: a wait without end cannot be interrupted everywhere."""


class Target(Struct, frozen=True, kw_only=True):
    """A node to ask, and which of its pods; `agent` is None where it has none."""

    node: str
    agent: AgentPod | None
    pod_uids: Sequence[str] | None = None
    """As their cgroups name them (`kube.Pod.cgroup_uid`); None: every pod of the node."""
    container_ids: Sequence[str] = ()
    """Of these pods' containers, to be found wherever they are."""


class Answer(Struct, frozen=True, kw_only=True):
    """What came of one target: a sample, or why there is none."""

    target: Target
    sample: NodeSample | None = None
    failure: Missing | None = None
    content: bytes | None = None
    """The sample, not decoded, where that was asked for."""


class Limits(Struct, frozen=True, kw_only=True):
    """What a fetch may take."""

    concurrency: int = 32
    """Agents asked at once; see descriptors.most_workers for the most that port-forwarding can."""
    timeout: float = 30.0
    """Seconds for one agent: the way to it, its measuring and its answer together."""
    largest_bytes: int = LARGEST_BYTES
    """Of one answer."""
    process_ceiling_bytes: int = DEFAULT_CEILING_BYTES
    """As SampleRequest.process_ceiling_bytes."""
    most_waiting_bytes: int = MOST_WAITING_BYTES
    """Beyond them, no further agent is asked until answers have been taken."""


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
    undecoded: bool = False,
) -> Generator[Answer, None, None]:
    """Yield an answer for every target, in the order in which they come.

    `request` is sent to each with the target's own pods, its time budget cut to what the timeout allows
    and with the ceiling of `limits`.
    Raises nothing for an agent. When the iteration is left early, by Ctrl-C or `close()`, or ends early
    since `stopped` says so while it waits, no further agent is asked, those under way are left to their
    deadlines in the background, and what was yielded is good. With `undecoded` samples are yielded as they
    came, for `read_answer`.
    """
    limits = limits or Limits()
    fetch = _Fetch(targets, request, transports, limits)
    fetch.start(max(1, min(limits.concurrency, len(targets))))
    try:
        for done in range(1, len(targets) + 1):
            answer = fetch.next(stopped, undecoded=undecoded)
            if answer is None:
                return
            on_progress(done, len(targets))
            yield answer
            del answer  # before the next one is decoded
    finally:
        fetch.stop()


def fetch_sample(target: Target, request: SampleRequest, transport: Transport, limits: Limits) -> Answer:
    """Return the answer of one target: what `fetch_samples` does, for whoever has workers of their own."""
    try:
        content: bytes | Exception = _content(target, _within(request, limits), transport, limits)
    except Exception as error:  # noqa: BLE001 # as there
        content = error
    return _answer(_Fetched(target, content))


def history_since(sampled_at: float | None) -> float | None:
    """Return from when on history is asked for; None (all of it) where no metrics sample is known."""
    return None if sampled_at is None else sampled_at - HISTORY_MARGIN_SECONDS


def gone_pods(sample: NodeSample) -> set[str]:
    """Return the UIDs that the agent was asked for, looked for, and had no cgroup of (any more)."""
    return {each.name for each in sample.problems if each.kind == "pod" and each.reason in _GONE}


def read_answer(answer: Answer) -> Answer:
    """Return the answer with its content decoded, or with why that cannot be; any other as it is."""
    return answer if answer.content is None else _answer(_Fetched(answer.target, answer.content))


def _within(request: SampleRequest, limits: Limits) -> SampleRequest:
    """Return the request with its time budget cut to what the timeout allows, and the ceiling."""
    request = msgspec.structs.replace(request, process_ceiling_bytes=limits.process_ceiling_bytes)
    return _in_time(request, limits.timeout)


def _in_time(request: SampleRequest, seconds: float) -> SampleRequest:
    """Return the request with its time budget cut to the share of these seconds that measuring may take."""
    budget = min(request.time_budget_seconds, seconds * _BUDGET_SHARE)
    return msgspec.structs.replace(request, time_budget_seconds=budget)


def _content(
    target: Target,
    request: SampleRequest,
    transport: Transport,
    limits: Limits,
    stopped: Stopped = lambda: False,
) -> bytes:
    """Return the answer as it came; a busy agent is asked again when it says. Raises AgentFailure."""
    endpoint = endpoint_of(target)
    uids = None if target.pod_uids is None else list(target.pod_uids)
    ids = list(target.container_ids)
    request = msgspec.structs.replace(request, pod_uids=uids, container_ids=ids)
    deadline = Deadline(limits.timeout)
    while True:
        try:
            with AgentConversation(
                transport, endpoint, deadline, largest_bytes=limits.largest_bytes
            ) as agent:
                return agent.fetch("POST", SAMPLE_PATH, request)
        except AgentFailure as failure:
            seconds = failure.again_seconds
            if seconds is None or not deadline.lasts(seconds + _LEAST_ASKING_SECONDS):
                raise
            seconds += _spread(seconds, deadline)
            request = _in_time(request, deadline.left() - seconds)
            if not pause(seconds, stopped):
                raise


def _spread(seconds: float, deadline: Deadline) -> float:
    """Return by how much longer to wait than a busy agent asks: at most as long again, where time allows.

    Several collectors that it refused together would else come back together, and be refused again.
    """
    spare = deadline.left() - seconds - _LEAST_ASKING_SECONDS
    return random() * min(seconds, spare * _SPREAD_SHARE)  # noqa: S311 -- to be apart, no secret


class _Fetch:
    """The workers of one fetch: daemon threads, so that an interrupted program ends at once."""

    def __init__(
        self,
        targets: Sequence[Target],
        request: SampleRequest,
        transports: TransportFactory,
        limits: Limits,
    ) -> None:
        self._request = _within(request, limits)
        self._transports = transports
        self._limits = limits
        self._todo: queue.SimpleQueue[Target] = queue.SimpleQueue()
        for target in targets:
            self._todo.put(target)
        self._waiting = _Waiting(limits.most_waiting_bytes)
        self._stopped = threading.Event()
        self._workers = 0
        self._asking = threading.Lock()
        """Of what is left to ask, and of who asks."""

    def start(self, workers: int) -> None:
        """Begin so many, or as many as can be had. Raises RuntimeError where not one can."""
        for number in range(workers):
            name = f"memcollect agent worker {number}"
            with self._asking:
                self._workers += 1
            try:
                threading.Thread(target=self._work, name=name, daemon=True).start()
            except RuntimeError:
                with self._asking:
                    self._workers -= 1
                if number == 0:
                    raise
                return

    def stop(self) -> None:
        self._stopped.set()

    def next(self, stopped: Callable[[], bool], *, undecoded: bool) -> Answer | None:
        """Return the next answer; None where none is there and the wait was stopped."""
        while True:
            if stopped():
                # First of all: quick agents would else keep the answers coming.
                self.stop()
            over = self._stopped.is_set()
            fetched = self._waiting.take(0 if over else _TICK)
            if fetched is not None and undecoded and isinstance(fetched.content, bytes):
                return Answer(target=fetched.target, content=fetched.content)
            if fetched is not None:
                return _answer(fetched)
            if over:
                return None

    def _work(self) -> None:
        transport = self._transports()
        try:
            while not self._stopped.is_set():
                if not self._waiting.has_room(_TICK):
                    continue
                target = self._next()
                if target is None:
                    return
                fetched = self._fetched(target, transport)
                if lacks_threads(fetched.content) and self._leaves(target):
                    return
                self._waiting.add(fetched)
        finally:
            transport.close()

    def _next(self) -> Target | None:
        """Return whom to ask; None where nobody is left, and then this worker is none any more."""
        with self._asking:
            try:
                return self._todo.get_nowait()
            except queue.Empty:
                self._workers -= 1
                return None

    def _leaves(self, target: Target) -> bool:
        """Leave a target, and the threads of this worker, to the others; return whether there are any."""
        with self._asking:
            if self._workers < 2:
                return False
            self._workers -= 1
            self._todo.put(target)
            return True

    def _fetched(self, target: Target, transport: Transport) -> "_Fetched":
        try:
            return _Fetched(
                target, _content(target, self._request, transport, self._limits, self._stopped.is_set)
            )
        except Exception as error:  # noqa: BLE001 # a fault of ours with one agent must not lose the others
            return _Fetched(target, error)


class _Fetched(Struct, frozen=True):
    """What came of one target, not decoded yet."""

    target: Target
    content: bytes | Exception

    @property
    def size_bytes(self) -> int:
        return len(self.content) if isinstance(self.content, bytes) else 0


class _Waiting:
    """Answers that were not taken yet, in the order in which they came, and what they weigh.

    Whoever explains may be slower than all agents together. So fetching runs ahead as far as the bytes
    allow, that history is still there when an agent is asked; answers under way may go beyond.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._fetched: deque[_Fetched] = deque()
        self._changed = threading.Condition()

    def has_room(self, timeout: float) -> bool:
        """Return whether one more may be asked for; wait for it up to `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._bytes < self._most_bytes, timeout)

    def add(self, fetched: _Fetched) -> None:
        with self._changed:
            self._fetched.append(fetched)
            self._bytes += fetched.size_bytes
            self._changed.notify_all()

    def take(self, timeout: float) -> _Fetched | None:
        """Return the oldest; None where none comes within `timeout` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._fetched, timeout):
                return None
            fetched = self._fetched.popleft()
            self._bytes -= fetched.size_bytes
            self._changed.notify_all()
            return fetched


def _answer(fetched: _Fetched) -> Answer:
    """Return the answer with its sample decoded, or with why there is none."""
    target = fetched.target
    try:
        return Answer(target=target, sample=_sample(fetched))
    except AgentFailure as failure:
        reason, detail = failure.reason, str(failure)
    except Exception as error:  # noqa: BLE001 # as above
        reason, detail = "agent-error", _unforeseen(error)
    missing = Missing(kind="node", name=target.node, node=target.node, reason=reason, detail=detail)
    return Answer(target=target, failure=missing)


def _unforeseen(error: Exception) -> str:
    return NO_THREADS if lacks_threads(error) else f"Asking failed: {plain(repr(error))}; please report this."


def _sample(fetched: _Fetched) -> NodeSample:
    if isinstance(fetched.content, Exception):
        raise fetched.content
    return decoded(fetched.content, NodeSample, endpoint_of(fetched.target))


def endpoint_of(target: Target) -> Endpoint:
    """Return where the target's agent listens. Raises AgentFailure where it has none that can be asked."""
    agent = target.agent
    if agent is None:
        raise AgentFailure(
            "no-agent",
            f"Node {plain(target.node)} has no memcollect agent: see `kubectl get daemonset -A` and deploy/.",
        )
    if agent.problem:
        pod = f"pod -n {agent.namespace} {agent.name}"
        where = f"node {plain(target.node)}" if agent.eviction is not None else pod
        raise AgentFailure(
            "agent-not-ready",
            f"The agent of node {plain(target.node)} cannot be asked, {agent.problem}: "
            f"see `kubectl describe {where}`.",
        )
    return Endpoint(namespace=agent.namespace, pod=agent.name, port=agent.port, node=target.node)
