"""What the agent answers, without HTTP: a request's bytes -> an answer's bytes."""

from collections.abc import Callable
from http import HTTPStatus

import msgspec
from msgspec import Struct

from memcollect_agent.errors import AgentError
from memcollect_agent.history import Recorder
from memcollect_agent.redact import visible
from memcollect_agent.serve import bodies
from memcollect_agent.serve.answers import Answer, Form, Refusal, encoded, packer
from memcollect_agent.serve.flights import BusyError, Flights
from memcollect_agent.wire import History, HistoryRequest, NodeSample, Problem, SampleRequest

Sampling = Callable[[SampleRequest], NodeSample]
"""Measures the node. Raises AgentError where that is not possible at all."""

MOST_DIFFERENT = 4
"""Requests that differ and run or wait at once; each may take its whole time budget."""
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
        self._flights: Flights[bytes] = Flights(MOST_DIFFERENT)

    def sample(self, body: bytes, content_type: str, form: Form, *, lenient: bool) -> Answer:
        """Measure the node, or share the measurement of an equal request. Raises Refusal."""
        request, problems = bodies.decode(body, content_type, SampleRequest, lenient=lenient)
        if request.full_commands and not self._permissions.full_commands:
            raise Refusal(HTTPStatus.FORBIDDEN, _FULL_REFUSED)
        request = self._settled(request)
        key = msgspec.msgpack.encode((form, request, problems))
        try:
            content = self._flights.share(
                key,
                request.time_budget_seconds,
                lambda: encoded(self._measured(request, problems, form), form),
            )
        except BusyError as error:
            raise Refusal(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"The agent is busy, {error}: ask again in {RETRY_SECONDS} s.",
                Retry_After=str(RETRY_SECONDS),
            ) from error
        except AgentError as error:
            sentence = f"The node cannot be measured: {visible(str(error))}."
            raise Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, sentence) from error
        return Answer(content_type=form, body=content)

    def history(self, body: bytes, content_type: str, form: Form, *, lenient: bool) -> Answer:
        """Return the points of the last minutes. Raises Refusal."""
        request, problems = bodies.decode(body, content_type, HistoryRequest, lenient=lenient)
        history = self._remembered(request, form)
        if history is None:
            raise Refusal(HTTPStatus.NOT_FOUND, f"{_NO_HISTORY[0].upper()}{_NO_HISTORY[1:]}.")
        history = msgspec.structs.replace(history, problems=history.problems + problems)
        return Answer(content_type=form, body=encoded(history, form))

    def _settled(self, request: SampleRequest) -> SampleRequest:
        """Return the request with its bounds applied, in the one form that equal requests share."""
        return msgspec.structs.replace(
            request,
            pod_uids=_unique(request.pod_uids),
            units=_unique(request.units),
            keeper_ids=_unique(request.keeper_ids),
            time_budget_seconds=min(request.time_budget_seconds, self._permissions.max_seconds),
        )

    def _measured(self, request: SampleRequest, problems: list[Problem], form: Form) -> NodeSample:
        sample = self._sampling(request)
        # After the sampling: the points then reach as near to its numbers as they can.
        history = self._remembered(request, form) if request.history else None
        if request.history and history is None:
            missing = Problem(kind="request", name="history", reason="unsupported", detail=_NO_HISTORY)
            problems = [*problems, missing]
        return msgspec.structs.replace(sample, problems=sample.problems + problems, history=history)

    def _remembered(self, request: SampleRequest | HistoryRequest, form: Form) -> History | None:
        if self._recorder is None:
            return None
        if isinstance(request, HistoryRequest):
            return self._recorder.history(request, packer(form))
        wanted = HistoryRequest(pod_uids=request.pod_uids, since=request.history_since)
        return self._recorder.history(wanted, packer(form), root=request.tree)


def _unique(names: list[str] | None) -> list[str] | None:
    return None if names is None else sorted(set(names))
