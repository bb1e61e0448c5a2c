"""From what was seen to a verdict: nothing that is not known is told as good or bad."""

import pytest

from memcollect.evidence.checks import Check
from memcollect.evidence.contents import Lines, made
from memcollect.evidence.demands import Demand, Ends, Fact, HoldsOrSays, OomIsTold, Recorded, Refused, Says
from memcollect.evidence.exits import Exit, Exited, Signalled, TimedOut, Unknown
from memcollect.evidence.judging import judge
from memcollect.evidence.seen import Seen
from memcollect.evidence.steps import Run


def check(*demands: Demand) -> Check:
    steps = tuple(Run(label=each, command="true") for each in ("one", "two"))
    return Check(name="c", asks="a", expected="e", source="s", steps=steps, demands=demands)


def ran(exit_: Exit | None = None, data: bytes = b"", label: str = "one") -> Seen:
    return Seen(label=label, exit=exit_ or Exited(0), data=data)


SEVEN = check(Ends(of="one", ways=(Exited(7),), means="the exit code is lost"))


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (ran(Exited(7)), "as-expected"),
        (ran(Exited(0)), "fails"),
        (ran(Unknown("it tells none")), "differs"),
        (Seen(label="one", came="not-offered", why="no commands"), "not-offered"),
        (Seen(label="one", came="not-tried", why="no sandbox"), "not-tried"),
        (Seen(label="one", came="error", kind="transport", why="it broke"), "fails"),
    ],
)
def test_an_exit_is_judged_by_what_was_told_of_it(seen: Seen, verdict: str) -> None:
    assert judge(SEVEN, [seen]).verdict == verdict


def test_a_step_that_was_not_reached_leaves_the_check_untried() -> None:
    judged = judge(
        check(Says(of="two", exactly="x")), [Seen(label="one", came="not-tried", why="no sandbox")]
    )
    assert (judged.verdict, judged.observed) == ("not-tried", "no sandbox")


def test_a_fault_that_was_seen_counts_though_the_rest_was_not_tried() -> None:
    both = check(Says(of="one", exactly="x"), Says(of="two", exactly="y"))
    judged = judge(both, [ran(data=b"other"), Seen(label="two", came="not-tried", why="Ctrl-C came")])
    assert judged.verdict == "fails"


def test_an_error_of_a_step_that_nothing_is_demanded_of_fails_the_check() -> None:
    seen = [Seen(label="one", came="error", kind="refused", why="disk full"), ran(label="two")]
    judged = judge(check(Recorded(of="two")), seen)
    assert judged.verdict == "fails"
    assert "disk full" in judged.observed


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (Seen(label="one", came="error", kind="not-found", why="no such file"), "as-expected"),
        (Seen(label="one", came="error", kind="refused", why="no"), "differs"),
        (Seen(label="one", came="error", kind="garbage", why="<html>"), "fails"),
        (Seen(label="one", data=b"Error: no such file"), "differs"),
        (Seen(label="one"), "fails"),
    ],
)
def test_a_refusal_is_an_error_told_as_one(seen: Seen, verdict: str) -> None:
    assert judge(check(Refused(of="one", kinds=("not-found",))), [seen]).verdict == verdict


WHOLE = made(Lines(20_000))


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        (WHOLE, "as-expected"),
        (WHOLE[:30_000], "fails"),
        (WHOLE[:30_000] + b"\n[output truncated]", "as-expected"),
        (WHOLE[:10_000] + b"\n... 100 characters omitted ...\n" + WHOLE[-10_000:], "as-expected"),
        (WHOLE[:10_000] + WHOLE[-10_000:], "fails"),
        (b"", "fails"),
    ],
)
def test_a_cut_must_be_said(data: bytes, verdict: str) -> None:
    assert judge(check(HoldsOrSays(of="one", material=Lines(20_000))), [ran(data=data)]).verdict == verdict


def facts(label: str, **values: int) -> Seen:
    absent = {} if values else {"oom_kills": "no agent answered"}
    return Seen(label=label, facts=dict(values), absent=absent)


OOM = check(OomIsTold(of="one", before="before", after="after", means="told as success"))


@pytest.mark.parametrize(
    ("end", "kills", "verdict"),
    [
        (Exited(137), 1, "as-expected"),
        (Signalled(9), 1, "as-expected"),
        (TimedOut(), 1, "as-expected"),
        (Exited(0), 1, "fails"),
        (Exited(0), 0, "not-tried"),
    ],
)
def test_a_kill_for_memory_is_held_against_the_kernels_own_count(end: Exit, kills: int, verdict: str) -> None:
    seen = [facts("before", oom_kills=3), ran(end), facts("after", oom_kills=3 + kills)]
    assert judge(OOM, seen).verdict == verdict


def test_without_the_kernels_count_nothing_is_said_of_a_kill() -> None:
    judged = judge(OOM, [facts("before"), ran(Exited(0)), facts("after")])
    assert judged.verdict == "not-tried"
    assert "no agent answered" in judged.observed


def test_a_fact_that_is_not_known_is_not_zero() -> None:
    left = check(Fact(of="one", name="pods", equals=0))
    judged = judge(left, [Seen(label="one", absent={"pods": "not allowed"})])
    assert (judged.verdict, judged.observed) == ("not-tried", "pods is not known: not allowed")


@pytest.mark.parametrize("demand", [Says(of="one", holds=("canary",)), Says(of="one", exactly="canary")])
def test_where_a_command_said_nothing_its_stderr_tells_why(demand: Says) -> None:
    silent = Seen(label="one", exit=Exited(1), stderr=b"cat: /mnt/none: No such file or directory\n")
    assert "no text; stderr “cat: /mnt/none: No such file" in judge(check(demand), [silent]).observed
