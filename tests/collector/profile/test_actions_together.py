"""What the outcomes of several sandboxes come to together, each ended as the test says."""

from collections.abc import Callable, Sequence

import pytest

from memcollect.profile.actions import Outcome, act
from memcollect.profile.plan.model import Exec
from memcollect.profile.sandboxes.source import Sandbox
from memcollect.profile.tools import Tools, Workshop
from memcollect.sources.api import Patience
from memcollect.sources.deadline import Deadline
from memcollect.sources.exec import ExecError, ExecResult, Executor, Output, Place
from worlds.profile_doubles import NOWHERE, Nobody, never

LATE = ExecError("timeout", "late")


class Script(Executor):
    """Ends the commands of each pod as the test says."""

    def __init__(self, ends: dict[str, Exception | int]) -> None:
        super().__init__(NOWHERE)
        self._ends = ends

    def run(
        self,
        place: Place,
        command: Sequence[str],
        deadline: Deadline,
        stopped: Callable[[], bool] = never,
        **_more: object,
    ) -> ExecResult:
        del command, deadline, stopped
        end = self._ends[place.pod]
        if isinstance(end, Exception):
            raise end
        return ExecResult(exit_code=end, stdout=Output(), stderr=Output())


def together(**ends: Exception | int) -> Outcome:
    """Return what comes of a command that ends so in the pods."""

    class Scripted(Workshop):
        def tools(self) -> Tools:
            tools = super().tools()
            tools._executor = Script(ends)
            return tools

    sandboxes = [Sandbox(key=pod, namespace="team", pod=pod) for pod in ends]
    phase = Exec(name="a", command=["true"])
    return act(phase, sandboxes, Scripted(NOWHERE, Patience(), 4), Nobody(), never)


def test_a_failure_weighs_more_than_a_command_that_is_late() -> None:
    outcome = together(one=LATE, two=0, three=7)
    assert (outcome.status, outcome.exit_code) == ("failed", 7)
    assert outcome.reason.endswith(
        "2 of 3 sandboxes it went wrong; the first: The command ended with exit code 7"
    )
    assert [(m.name, m.reason) for m in outcome.missing] == [
        ("team/one", "timed-out"),
        ("team/three", "failed"),
    ]
    assert together(one=LATE, two=0).status == "timed-out"


def test_one_that_was_interrupted_makes_the_phase_so() -> None:
    outcome = together(one=7, two=ExecError("interrupted", "Interrupted."))
    assert (outcome.status, outcome.exit_code) == ("interrupted", None)


@pytest.mark.parametrize("reason", ["denied", "gone", "refused", "unreachable"])
def test_a_command_that_could_not_be_begun_has_failed(reason: str) -> None:
    outcome = together(one=ExecError(reason, "why"))  # type: ignore[arg-type]
    assert (outcome.status, outcome.reason) == ("failed", "why")


def test_a_fault_of_our_own_in_one_sandbox_is_that_sandboxs_and_asks_to_be_reported() -> None:
    outcome = together(one=0, two=ZeroDivisionError("\x1b[2J\n"))
    assert outcome.status == "failed"
    assert outcome.missing[0].name == "team/two"
    assert outcome.missing[0].detail.endswith("; please report this.")
    assert outcome.reason.isprintable()
