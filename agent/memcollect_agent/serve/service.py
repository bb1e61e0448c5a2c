"""What the agent answers, without HTTP: a request's bytes -> an answer's bytes."""

import threading
from collections.abc import Callable
from http import HTTPStatus

import msgspec
from msgspec import Struct

from memcollect_agent.errors import AgentError, StalledError
from memcollect_agent.history import Recorder
from memcollect_agent.redact import visible
from memcollect_agent.serve import bodies
from memcollect_agent.serve.answers import Answer, Form, Refusal, encoded, packer
from memcollect_agent.serve.flights import BusyError, Flights
from memcollect_agent.serve.held import Held
from memcollect_agent.wire import History, HistoryRequest, NodeSample, Problem, SampleRequest

Sampling = Callable[[SampleRequest], NodeSample]
"""Measures the node. Raises AgentError where that is not possible at all."""

MOST_DIFFERENT = 4
"""Requests that differ and run or wait at once; each may take its whole time budget."""
MOST_SAMPLING = 6
"""Requests for a sample that run, wait or share at once."""
MOST_REMEMBERING = 8
"""The same of those for the history, which take a fraction of a second."""
MOST_WAITING = MOST_SAMPLING + MOST_REMEMBERING
HISTORY_SECONDS = 10.0
"""How long a request for the history waits for its turn."""
RETRY_SECONDS = 5

_NO_HISTORY = "this agent keeps no history: it was started with --history off"
_FULL_REFUSED = (
    "This agent was not started with --allow-full-commands: ask without full_commands, "
    "which gives masked command lines cut short, or restart it with that option."
)


class Permissions(Struct, frozen=True, kw_only=True):
    """What the agent was started to allow."""

    full_commands: bool = False
    max_seconds: float = 30.0
    """The largest time budget; a larger one that is asked for is cut to it."""


class Service:
    """The agent's two questions. Thread-safe."""

    def __init__(
        self, sampling: Sampling, recorder: Recorder | None, permissions: Permissions | None = None
    ) -> None:
        self._sampling = sampling
        self._recorder = recorder
        self._permissions = permissions or Permissions()
        self._flights: Flights[bytes] = Flights(MOST_DIFFERENT, MOST_SAMPLING)
        self._histories: Flights[bytes] = Flights(MOST_REMEMBERING, MOST_REMEMBERING)
        self._writing = threading.Lock()
        """Held while an answer is made of what is remembered: it takes twice the answer's own size."""
        self.held = Held()

    def sample(self, body: bytes, content_type: str, form: Form, *, lenient: bool) -> Answer:
        """Measure the node, or share the measurement of an equal request. Raises Refusal."""
        request, problems = bodies.decode(body, content_type, SampleRequest, lenient=lenient)
        if request.full_commands and not self._permissions.full_commands:
            raise Refusal(HTTPStatus.FORBIDDEN, _FULL_REFUSED)
        request = self._settled(request)
        key = msgspec.msgpack.encode((form, request, problems))
        try:
            content = self._flights.share(
                key, request.time_budget_seconds, lambda: self._measured(request, problems, form)
            )
        except (BusyError, StalledError) as error:
            raise _busy(error) from error
        except AgentError as error:
            sentence = f"The node cannot be measured: {visible(str(error))}."
            raise Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, sentence) from error
        return Answer(content_type=form, body=content)

    def history(self, body: bytes, content_type: str, form: Form, *, lenient: bool) -> Answer:
        """Return the points of the last minutes. Raises Refusal."""
        request, problems = bodies.decode(body, content_type, HistoryRequest, lenient=lenient)
        recorder = self._recorder
        if recorder is None:
            raise Refusal(HTTPStatus.NOT_FOUND, f"{_NO_HISTORY[0].upper()}{_NO_HISTORY[1:]}.")
        request = msgspec.structs.replace(request, pod_uids=_unique(request.pod_uids))
        key = msgspec.msgpack.encode((form, request, problems))
        try:
            content = self._histories.share(
                key, HISTORY_SECONDS, lambda: self._told(recorder, request, problems, form)
            )
        except (BusyError, StalledError) as error:
            raise _busy(error) from error
        return Answer(content_type=form, body=content)

    def degraded(self) -> str:
        """Return in a sentence what has not come back for far too long; "" where nothing hangs."""
        hangs = self._flights.hangs_seconds()
        where = self._flights.waits_where()
        return f"a sampling has not ended for {hangs:.0f} s{where}" if hangs else ""

    def _settled(self, request: SampleRequest) -> SampleRequest:
        """Return the request with its bounds applied, in the one form that equal requests share."""
        return msgspec.structs.replace(
            request,
            pod_uids=_unique(request.pod_uids),
            units=_unique(request.units),
            keeper_ids=_unique(request.keeper_ids),
            time_budget_seconds=min(request.time_budget_seconds, self._permissions.max_seconds),
        )

    def _told(
        self, recorder: Recorder, request: HistoryRequest, problems: list[Problem], form: Form
    ) -> bytes:
        with self._writing:
            self.held.wait_for_room()
            history = recorder.history(request, packer(form))
            history = msgspec.structs.replace(history, problems=history.problems + problems)
            return self.held.made(encoded(history, form))

    def _measured(self, request: SampleRequest, problems: list[Problem], form: Form) -> bytes:
        sample = self._sampling(request)
        with self._writing:
            self.held.wait_for_room()
            # After the sampling: the points then reach as near to its numbers as they can.
            history, missing = self._beside(request, form)
            problems = sample.problems + problems + missing
            sample = msgspec.structs.replace(sample, problems=problems, history=history)
            return self.held.made(encoded(sample, form))

    def _beside(self, request: SampleRequest, form: Form) -> tuple[History | None, list[Problem]]:
        """Return the history that comes with a sample, or why it does not."""
        if not request.history:
            return None, []
        try:
            history = self._remembered(request, form)
        except StalledError as error:
            return None, [
                Problem(kind="node", name="history", reason="unreadable", detail=visible(str(error)))
            ]
        if history is None:
            return None, [Problem(kind="request", name="history", reason="unsupported", detail=_NO_HISTORY)]
        return history, []

    def _remembered(self, request: SampleRequest, form: Form) -> History | None:
        if self._recorder is None:
            return None
        wanted = HistoryRequest(pod_uids=request.pod_uids, since=request.history_since)
        return self._recorder.history(wanted, packer(form), root=request.tree)


def _busy(error: Exception) -> Refusal:
    return Refusal(
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"The agent is busy, {visible(str(error))}: ask again in {RETRY_SECONDS} s.",
        Retry_After=str(RETRY_SECONDS),
    )


def _unique(names: list[str] | None) -> list[str] | None:
    return None if names is None else sorted(set(names))
