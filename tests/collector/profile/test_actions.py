"""Doing a phase's work in sandboxes: real commands and real requests, through the stand-in's API server."""

import sys
from pathlib import Path

import pytest

from memcollect.profile.actions import Outcome, act
from memcollect.profile.plan.model import Exec, Nothing, Phase, Reuse, Scale, Seconds
from memcollect.profile.sandboxes.source import Sandbox
from memcollect.profile.tools import Workshop
from memcollect.testing import PODS, Cluster, ExecRefusedError, Fault, objects
from worlds.profile_doubles import Nobody, never

SANDBOXES = [
    Sandbox(key=name, namespace="team", pod=name, container="main") for name in ("one", "two", "three")
]


@pytest.fixture(autouse=True)
def pods(state: Cluster) -> None:
    for each in SANDBOXES:
        state.put(PODS, objects.pod("team", each.pod, node="node-1", containers=("main", "side")))
    state.on_exec = lambda pod, container, command: (
        ["env", f"POD={pod['metadata']['name']}", f"CONTAINER={container}", *command]
    )


def python(code: str, seconds: float = 20.0, container: str = "") -> Exec:
    command = [sys.executable, "-c", f"import os, sys, time; {code}"]
    return Exec(name="a", command=command, container=container, time_limit=Seconds(seconds))


def done(workshop: Workshop, phase: Phase, count: int = 3) -> Outcome:
    return act(phase, SANDBOXES[:count], workshop, Nobody(), never)


def test_the_command_is_run_in_every_sandbox_in_its_own_container(workshop: Workshop, tmp_path: Path) -> None:
    code = f"open({str(tmp_path)!r} + '/' + os.environ['POD'] + '-' + os.environ['CONTAINER'], 'x')"
    assert done(workshop, python(code)) == Outcome(exit_code=0)
    assert done(workshop, python(code, container="side"), 1) == Outcome(exit_code=0)
    made = {each.name for each in tmp_path.iterdir() if "-" in each.name}
    assert made == {"one-main", "two-main", "three-main", "one-side"}


def test_phases_that_have_a_command_beside_their_own_work_run_it(workshop: Workshop) -> None:
    command = [sys.executable, "-c", "raise SystemExit(4)"]
    for phase in (Reuse(name="a", command=command), Scale(name="a", steps=[1], command=command)):
        assert done(workshop, phase, 1).exit_code == 4
    for phase in (Reuse(name="a"), Scale(name="a", steps=[1])):
        assert done(workshop, phase, 1) == Outcome()


def test_doing_nothing_asks_nothing(workshop: Workshop, state: Cluster) -> None:
    assert done(workshop, Nothing(name="empty")) == Outcome()
    assert state.requests.paths() == []


def test_a_failure_in_one_of_many_is_the_outcome_and_the_others_are_not_missing(workshop: Workshop) -> None:
    outcome = done(workshop, python("sys.exit('broken' if os.environ['POD'] == 'two' else 0)"))
    assert (outcome.status, outcome.exit_code) == ("failed", 1)
    assert outcome.reason == (
        "In 1 of 3 sandboxes it went wrong; the first: The command ended with exit code 1: broken"
    )
    assert [(m.kind, m.name, m.reason) for m in outcome.missing] == [("sandbox", "team/two", "failed")]


def test_what_only_one_sandbox_says_is_said_without_counting(workshop: Workshop) -> None:
    outcome = done(workshop, python("sys.exit(3)"), 1)
    assert outcome.reason == "The command ended with exit code 3"


def test_output_in_a_reason_moves_no_cursor_and_is_cut(workshop: Workshop) -> None:
    code = r"sys.stderr.buffer.write(b'\x1b[2J\r\n\xff\xe2\x80\xae' + b'no ' * 5000); sys.exit(1)"
    reason = done(workshop, python(code), 1).reason
    assert reason.isprintable()
    assert len(reason) < 300
    short = r"sys.stderr.buffer.write(b'\x1b[2J\xff\n\tno'); sys.exit(1)"
    assert done(workshop, python(short), 1).reason.endswith("exit code 1: \\x1b[2J\ufffd no")


@pytest.mark.parametrize("length", [300, 1000, 100_000])
def test_of_much_output_the_end_says_why(workshop: Workshop, length: int) -> None:
    code = f"sys.stderr.write('x' * {length} + ' no space left on device\\n'); sys.exit(1)"
    said = done(workshop, python(code), 1).reason.partition("exit code 1: ")[2]
    assert said.startswith("…x")
    assert said.endswith("xx no space left on device")
    assert len(said) == 200


def test_where_nothing_is_said_on_stderr_stdout_is_shown(workshop: Workshop) -> None:
    assert done(workshop, python("print('why'); sys.exit(1)"), 1).reason.endswith("exit code 1: why")
    both = "print('chatter'); print('why', file=sys.stderr); sys.exit(1)"
    assert done(workshop, python(both), 1).reason.endswith("exit code 1: why")


def test_a_program_that_is_not_there_a_pod_that_is_gone_and_a_right_that_is_missing(
    workshop: Workshop, state: Cluster
) -> None:
    def refuse(_pod: object, _container: str, _command: list[str]) -> list[str]:
        raise ExecRefusedError("executable file not found in $PATH")

    state.on_exec = refuse
    state.remove(PODS, "two", "team")
    state.access.deny("create", "pods/exec", name="three")
    outcome = done(workshop, python("pass"))
    assert (outcome.status, outcome.exit_code) == ("failed", None)
    details = [each.detail for each in outcome.missing]
    assert "executable file not found in $PATH" in details[0]
    assert "The pod team/two (main) is gone" in details[1]
    assert "`kubectl auth can-i create pods/exec -n team`" in details[2]


def test_a_connection_that_never_opens_is_timed_out_and_not_for_ever(
    workshop: Workshop, state: Cluster
) -> None:
    state.fault(Fault("/api/v1/namespaces/team/pods/one/exec", hang=True))
    outcome = done(workshop, python("pass", seconds=0.3), 1)
    assert outcome.status == "timed-out"
    assert "within 0.3 s; it may still run there" in outcome.reason
