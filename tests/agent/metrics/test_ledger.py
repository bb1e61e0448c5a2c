import pytest

from memcollect_agent.metrics.ledger import Ledger
from memcollect_agent.wire import (
    Cgroup,
    Container,
    Node,
    NodeSample,
    Pod,
    Problem,
    ProcessSums,
    SkippedProcess,
)


def sample(sums: ProcessSums, *problems: Problem) -> NodeSample:
    container = Container(cgroup=Cgroup(path="/c"), sums=sums)
    pod = Pod(uid="u", cgroup=Cgroup(path="/p"), containers=[container], own_sums=ProcessSums(read=1))
    return NodeSample(sampled_at=1, finished_at=2, node=Node(name="n"), pods=[pod], problems=list(problems))


def problem(kind: str, reason: str) -> Problem:
    return Problem(kind=kind, name="", reason=reason, detail="")


def test_work_is_charged_with_its_time_whether_it_succeeds_or_not() -> None:
    ledger = Ledger()
    assert ledger.account().spent == {}
    work = ledger.timed("scrape", lambda: sum(range(100_000)))
    assert ledger.account().spent["scrape"].times == 0
    work()
    with pytest.raises(ZeroDivisionError):
        ledger.timed("scrape", lambda: 1 / 0)()
    spent = ledger.account().spent["scrape"]
    assert (spent.times, spent.failed) == (2, 1)
    assert spent.wall_seconds > 0
    assert spent.cpu_seconds > 0


def test_processes_are_counted_by_what_became_of_them() -> None:
    skipped = [SkippedProcess(pid=1, reason="denied"), SkippedProcess(pid=2, reason="denied")]
    sums = ProcessSums(read=3, vanished=2, zombies=1, kernel_threads=4, skipped=skipped, skipped_unlisted=9)
    ledger = Ledger()
    ledger.sampled(lambda: sample(sums))()
    counted = {name: count for name, count in ledger.account().processes.items() if count}
    assert counted == {
        "read": 4,
        "vanished": 2,
        "zombie": 1,
        "kernel-thread": 4,
        "denied": 2,
        "skipped-unlisted": 9,
    }


def test_labels_come_from_a_closed_list_whatever_a_problem_says() -> None:
    ledger = Ledger()
    skipped = [SkippedProcess(pid=1, reason="something new")]
    ledger.sampled(lambda: sample(ProcessSums(skipped=skipped), problem("pod", "gone"), problem("x", "y")))()
    account = ledger.account()
    assert account.problems == {("pod", "gone"): 1, ("other", "other"): 1}
    assert account.processes["other"] == 1


def test_an_account_is_a_copy() -> None:
    ledger = Ledger()
    ledger.timed("scrape", lambda: None)
    before = ledger.account()
    ledger.note_problems([problem("pod", "gone")])
    ledger.note_vanished(2)
    assert not before.problems
    assert (before.cgroups_vanished, ledger.account().cgroups_vanished) == (0, 2)
