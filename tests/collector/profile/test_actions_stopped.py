"""Ctrl-C in the middle of each wait of a phase."""

import sys
from pathlib import Path

from memcollect.profile.actions import Outcome, act
from memcollect.profile.plan.model import Exec, Http, Mark, Phase, Seconds, Wait
from memcollect.profile.sandboxes.source import Sandbox
from memcollect.profile.tools import Workshop
from memcollect.sources.deadline import Stopped, pause
from memcollect.testing import PODS, Cluster, objects
from worlds.profile_doubles import after, never
from worlds.tcp_agents import hanging, listening

ONE = Sandbox(key="one", namespace="team", pod="one")
MARK = Mark(name="a", ask="Release it", time_limit=Seconds(90))


class Person:
    """Answers as told, and notes what was asked."""

    def __init__(self, why_not: str = "") -> None:
        self._why_not = why_not
        self.asked: list[tuple[str, float]] = []

    def ask(self, text: str, seconds: float, stopped: Stopped) -> str:
        self.asked.append((text, seconds))
        assert callable(stopped)
        return self._why_not


def alone(workshop: Workshop, phase: Phase, stopped: Stopped, person: Person | None = None) -> Outcome:
    return act(phase, [ONE], workshop, person or Person(), stopped)


def test_ctrl_c_ends_a_command_that_runs(workshop: Workshop, state: Cluster, tmp_path: Path) -> None:
    state.put(PODS, objects.pod("team", "one", node="node-1"))
    state.on_exec = lambda _pod, _container, command: command
    begun = tmp_path / "begun"
    code = f"import time; open({str(begun)!r}, 'x'); time.sleep(60)"
    outcome = alone(workshop, Exec(name="a", command=[sys.executable, "-c", code]), begun.exists)
    assert outcome.status == "interrupted"
    assert outcome.reason.startswith("Interrupted while the ")


def test_ctrl_c_weighs_more_than_what_comes_of_a_request_meanwhile(
    workshop: Workshop, state: Cluster
) -> None:
    state.put(PODS, objects.pod("team", "one", node="node-1"))
    with listening(hanging) as port:
        state.forward("team", "one", 8080, to=("127.0.0.1", port))
        outcome = alone(workshop, Http(name="a", time_limit=Seconds(0.3)), lambda: True)
    assert outcome == Outcome("interrupted", "Interrupted while the phase ran.")


def test_ctrl_c_ends_a_wait(workshop: Workshop) -> None:
    wait = Wait(name="a", time=Seconds(60))
    assert alone(workshop, wait, after(1)) == Outcome("interrupted", "Interrupted during the wait.")
    assert not pause(60, after(2))


def test_a_wait_that_nobody_cuts_short_is_good(workshop: Workshop) -> None:
    assert alone(workshop, Wait(name="a", time=Seconds(0.01)), never) == Outcome()
    # Where no time is to pass there is nothing to cut short.
    assert pause(0, lambda: True)


def test_a_person_is_asked_what_the_plan_says(workshop: Workshop) -> None:
    person = Person()
    assert alone(workshop, MARK, never, person) == Outcome()
    assert person.asked == [("Release it", 90.0)]


def test_a_person_who_did_not_do_it_is_a_failure(workshop: Workshop) -> None:
    assert alone(workshop, MARK, never, Person("Nobody came.")) == Outcome("failed", "Nobody came.")


def test_ctrl_c_weighs_more_than_a_persons_enter(workshop: Workshop) -> None:
    expected = Outcome("interrupted", "Interrupted while a person was asked.")
    assert alone(workshop, MARK, lambda: True, Person()) == expected
    assert alone(workshop, MARK, lambda: True, Person("Interrupted first.")) == expected
