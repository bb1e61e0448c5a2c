"""Doing a phase's work in every sandbox. Whatever comes of it is an outcome; nothing is raised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from memcollect.documents.run import PhaseStatus
from memcollect.documents.snapshot import Missing
from memcollect.profile.plan.model import Exec, Http, Mark, Phase, Reuse, Scale, Seconds, Wait
from memcollect.profile.sandboxes.source import Sandbox
from memcollect.profile.tools import Tools, Workshop
from memcollect.sources.deadline import TICK_SECONDS, Deadline, Stopped, pause
from memcollect.sources.exec import ExecError, Place
from memcollect.sources.http_forward import HttpRequest, call
from memcollect.sources.plain import plain, plain_end
from memcollect.sources.transport import Endpoint, TransportError

_SHOWN_OUTPUT = 200


class Operator(Protocol):
    """The person who runs it."""

    def ask(self, text: str, seconds: float, stopped: Stopped) -> str:
        """Show `text`, wait for Enter; return "" once it came, else why it did not."""


@dataclass(frozen=True)
class Outcome:
    """What came of a phase's work over all sandboxes."""

    status: PhaseStatus = "ok"
    reason: str = ""
    exit_code: int | None = None
    missing: list[Missing] = field(default_factory=list)


@dataclass(frozen=True)
class _Fault:
    """What came of it in one sandbox, where it was not good."""

    status: PhaseStatus
    reason: str
    exit_code: int | None = None


def act(
    phase: Phase, sandboxes: Sequence[Sandbox], workshop: Workshop, operator: Operator, stopped: Stopped
) -> Outcome:
    """Do the work of `phase` in every sandbox and return what came of it."""
    if isinstance(phase, Wait):
        return (
            Outcome()
            if pause(phase.time, stopped)
            else Outcome("interrupted", "Interrupted during the wait.")
        )
    if isinstance(phase, Mark):
        return marked(operator, phase.ask, phase.time_limit, stopped)
    if isinstance(phase, Http):
        return _everywhere(workshop, sandboxes, lambda tools, each: _http(tools, each, phase), stopped)
    if isinstance(phase, Exec | Reuse | Scale) and phase.command:
        return run_command(phase, sandboxes, workshop, stopped)
    return Outcome()


def run_command(
    phase: Exec | Reuse | Scale, sandboxes: Sequence[Sandbox], workshop: Workshop, stopped: Stopped
) -> Outcome:
    """Run the phase's command in every sandbox."""
    return _everywhere(
        workshop, sandboxes, lambda tools, each: _exec(tools, each, phase, stopped), stopped, 0
    )


def marked(operator: Operator, text: str, seconds: Seconds, stopped: Stopped) -> Outcome:
    """Ask the person, and return whether they did it."""
    why_not = operator.ask(text, seconds, stopped)
    if stopped():
        return Outcome("interrupted", "Interrupted while a person was asked.")
    return Outcome("failed", why_not) if why_not else Outcome()


def _everywhere(
    workshop: Workshop,
    sandboxes: Sequence[Sandbox],
    function: Callable[[Tools, Sandbox], _Fault | None],
    stopped: Stopped,
    good_code: int | None = None,
) -> Outcome:
    work = workshop.begin(function, sandboxes)
    while not work.wait(TICK_SECONDS):
        if stopped():
            # Each of them looks at the same mark; what hangs in the network is left to its deadline.
            work.wait(2.0)
            return Outcome("interrupted", "Interrupted while the phase ran.")
    faults = [(each, _fault(work.results.get(n), work.errors.get(n))) for n, each in enumerate(sandboxes)]
    return _summed([(each, fault) for each, fault in faults if fault is not None], len(sandboxes), good_code)


def _fault(result: _Fault | None, error: Exception | None) -> _Fault | None:
    return _Fault("failed", f"{plain(repr(error))}; please report this.") if error is not None else result


def _summed(faults: Sequence[tuple[Sandbox, _Fault]], of: int, good_code: int | None) -> Outcome:
    if not faults:
        return Outcome(exit_code=good_code)
    missing = [
        Missing(kind="sandbox", name=each.pod_name, reason=fault.status, detail=fault.reason)
        for each, fault in faults
    ]
    statuses = {fault.status for _, fault in faults}
    status: PhaseStatus = next(s for s in ("interrupted", "failed", "timed-out") if s in statuses)
    first = next(fault for _, fault in faults if fault.status == status)
    count = f"In {len(faults)} of {of} sandboxes it went wrong; the first: " if of > 1 else ""
    return Outcome(status, count + first.reason, first.exit_code, missing)


def _exec(tools: Tools, sandbox: Sandbox, phase: Exec | Reuse | Scale, stopped: Stopped) -> _Fault | None:
    place = Place(
        namespace=sandbox.namespace, pod=sandbox.pod, container=phase.container or sandbox.container
    )
    try:
        result = tools.executor.run(place, phase.command, Deadline(phase.time_limit), stopped)
    except ExecError as error:
        known: dict[str, PhaseStatus] = {"timeout": "timed-out", "interrupted": "interrupted"}
        return _Fault(known.get(error.reason, "failed"), str(error))
    if result.exit_code == 0:
        return None
    said = result.stderr.kept or result.stdout.kept
    words = plain_end(said.decode("utf-8", "replace"), _SHOWN_OUTPUT)
    end = f": {words}" if words else ""
    return _Fault("failed", f"The command ended with exit code {result.exit_code}{end}", result.exit_code)


def _http(tools: Tools, sandbox: Sandbox, phase: Http) -> _Fault | None:
    endpoint = Endpoint(namespace=sandbox.namespace, pod=sandbox.pod, port=phase.port)
    request = HttpRequest(
        method=phase.method, path=phase.path, body=phase.body.encode(), content_type=phase.content_type
    )
    try:
        answer = call(tools.transport, endpoint, request, Deadline(phase.time_limit))
    except TimeoutError:
        return _Fault("timed-out", f"{endpoint} did not answer within {phase.time_limit:g} s.")
    except TransportError as error:
        return _Fault("timed-out" if error.reason == "timeout" else "failed", str(error))
    if answer.status in phase.expect:
        return None
    said = plain(answer.body[:1000].decode("utf-8", "replace"), _SHOWN_OUTPUT)
    return _Fault(
        "failed", f"{endpoint} answered {phase.method} {phase.path} with HTTP {answer.status}: {said}"
    )
